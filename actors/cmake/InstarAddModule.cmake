# instar_add_module(name SOURCES file… [SCHEMAS file.capnp…] [LINK library…])
#
# Builds a module: a shared object with operators that a running service can load and unload.
# Sets every flag that a module needs. It goes to ${CMAKE_BINARY_DIR}/modules.
#
# SCHEMAS are compiled to C++, which the sources include by the file's name (`#include
# "state.capnp.h"`), and carried in section `.instar.schemas`, so that a host can judge whether
# state fits before any code of the module runs. They may import what stands beside them.
# The CMake package of Debian's Cap'n Proto looks for its programs in the wrong place.
find_program(INSTAR_CAPNP capnp)
find_program(INSTAR_CAPNPC_CXX capnpc-c++)
mark_as_advanced(INSTAR_CAPNP INSTAR_CAPNPC_CXX)

function(instar_add_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;SCHEMAS;LINK" ${ARGN})
  if(NOT ARG_SOURCES OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "instar_add_module(${name}): give SOURCES; unknown: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  add_library(${name} MODULE ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/modules)
  # Unique symbols would keep the module mapped for ever; clang makes none.
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_link_libraries(${name} PRIVATE instar::instar ${ARG_LINK})
  if(TARGET instar_flags)
    target_link_libraries(${name} PRIVATE instar_flags)
  endif()
  if(ARG_SCHEMAS)
    _instar_module_schemas(${name} ${ARG_SCHEMAS})
  endif()
endfunction()

function(_instar_module_schemas name)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.schemas)
  file(MAKE_DIRECTORY ${out})
  # Without PWD, because capnp complains of one that make has left behind.
  set(capnp ${CMAKE_COMMAND} -E env --unset=PWD ${INSTAR_CAPNP})
  set(files)
  set(generated)
  foreach(schema IN LISTS ARGN)
    get_filename_component(path ${schema} ABSOLUTE)
    get_filename_component(folder ${path} DIRECTORY)
    get_filename_component(base ${path} NAME)
    list(APPEND files ${path})
    list(APPEND generated ${out}/${base}.c++)
    add_custom_command(OUTPUT ${out}/${base}.c++ ${out}/${base}.h
      COMMAND ${capnp} compile -o${INSTAR_CAPNPC_CXX}:${out}
              --src-prefix=${folder} -I${folder} ${path}
      DEPENDS ${ARGN} VERBATIM COMMENT "Compiling schema ${base}")
  endforeach()
  list(GET files 0 first)
  get_filename_component(folder ${first} DIRECTORY)
  set(request ${out}/schemas.bin)
  add_custom_command(OUTPUT ${request}
    COMMAND ${capnp} compile -o- --src-prefix=${folder} -I${folder} ${files} > ${request}
    DEPENDS ${files} VERBATIM)
  file(WRITE ${out}/section.cpp.new
    "asm(\".pushsection .instar.schemas,\\\"aR\\\",@progbits\\n\"\n    \".incbin \\\"${request}\\\"\\n\"\n    \".popsection\\n\");\n")
  file(COPY_FILE ${out}/section.cpp.new ${out}/section.cpp ONLY_IF_DIFFERENT)
  set_property(SOURCE ${out}/section.cpp PROPERTY OBJECT_DEPENDS ${request})
  target_sources(${name} PRIVATE ${generated} ${out}/section.cpp)
  target_include_directories(${name} PRIVATE ${out})
endfunction()
