# instar_add_module(name SOURCES file… [SCHEMAS file.capnp…] [LINK library…])
#
# Builds a module: a shared object with operators that a running service can load and unload.
# Sets every flag a module needs; carries its Cap'n Proto schemas in section `.instar.schemas`.
function(instar_add_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;SCHEMAS;LINK" ${ARGN})
  add_library(${name} MODULE ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/modules)
  target_compile_options(${name} PRIVATE -fno-gnu-unique)
  target_link_libraries(${name} PRIVATE instar::instar ${ARG_LINK})
  if(TARGET instar_flags)
    target_link_libraries(${name} PRIVATE instar_flags)
  endif()
endfunction()
