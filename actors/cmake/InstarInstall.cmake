# What `cmake --install` puts where. Included last, when every target exists.
#
# include/instar/      public headers and schemas: `#include "actors/operator.hpp"`
# lib/                 libinstar
# lib/instar/modules/  the operators that come with instar
# lib/cmake/instar/    find_package(instar CONFIG) and instar_add_module
# bin/                 instard, instarctl
# share/instar/        graph files of the examples
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/instar)
set(include_dir ${CMAKE_INSTALL_INCLUDEDIR}/instar)

# Headers that name CAF, or that only the framework itself needs, stay at home: modules are
# compiled against no CAF type.
set(public_headers
  transfer/result.hpp
  transfer/schema.hpp
  transfer/state.hpp
  actors/context.hpp
  actors/description.hpp
  actors/graph.hpp
  actors/graph_file.hpp
  actors/inlet.hpp
  actors/instance.hpp
  actors/module.hpp
  actors/operator.hpp
  actors/operator_type.hpp
  actors/packet.hpp
  actors/payload.hpp
  actors/settings.hpp
  lifecycle/plan.hpp
  lifecycle/service.hpp
  lifecycle/status.hpp)

foreach(header IN LISTS public_headers)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${header} DESTINATION ${include_dir}/${folder} COMPONENT development)
endforeach()

install(TARGETS instar EXPORT instar
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development)
install(EXPORT instar NAMESPACE instar:: FILE instarTargets.cmake
  DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(actors/cmake/instarConfig.cmake.in
  ${PROJECT_BINARY_DIR}/instarConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/instarConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/instarConfig.cmake ${PROJECT_BINARY_DIR}/instarConfigVersion.cmake
  actors/cmake/InstarAddModule.cmake
  DESTINATION ${package_dir} COMPONENT development)
