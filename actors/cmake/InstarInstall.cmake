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
  transfer/aggregate_members.hpp
  transfer/converters.hpp
  transfer/checkpoint_disk.hpp
  transfer/checkpoint_file.hpp
  transfer/checkpoint_folder.hpp
  transfer/conversion.hpp
  transfer/crc64.hpp
  transfer/hash_bin.hpp
  transfer/key_hash.hpp
  transfer/keyed_state.hpp
  transfer/native_layout.hpp
  transfer/parted_state.hpp
  transfer/result.hpp
  transfer/schema.hpp
  transfer/state.hpp
  transfer/tag_group.hpp
  transfer/tracked_map.hpp
  actors/blocking_context.hpp
  actors/blocking_operator.hpp
  actors/bytes.hpp
  actors/call_port.hpp
  actors/call_ports.hpp
  actors/call_seat.hpp
  actors/call_slot.hpp
  actors/caller.hpp
  actors/checkpoint_sink.hpp
  actors/context.hpp
  actors/description.hpp
  actors/descriptor.hpp
  actors/descriptor_packet.hpp
  actors/descriptors.hpp
  actors/event_source.hpp
  actors/graph.hpp
  actors/graph_file.hpp
  actors/inlet.hpp
  actors/instance.hpp
  actors/lanes.hpp
  actors/metrics.hpp
  actors/module.hpp
  actors/operator.hpp
  actors/operator_type.hpp
  actors/own_metrics.hpp
  actors/packet.hpp
  actors/payload.hpp
  actors/record.hpp
  actors/settings.hpp
  actors/status.hpp
  lifecycle/checkpoint_contents.hpp
  lifecycle/checkpoint_store.hpp
  lifecycle/graph_edit.hpp
  lifecycle/lineage.hpp
  lifecycle/loops.hpp
  lifecycle/plan.hpp
  lifecycle/service.hpp
  lifecycle/state_route.hpp
  services/cache/cached_file.hpp
  services/cache/object.hpp
  services/cache/page.hpp
  services/cache/reader.hpp
  services/counter/handle.hpp
  services/counter/object.hpp
  services/file/handle.hpp
  services/http/request.hpp
  services/http/response.hpp
  services/http/traffic.hpp
  services/kv/batch.hpp
  services/kv/command.hpp
  services/net/buffer.hpp
  services/net/chunk.hpp
  services/net/address_counts.hpp
  services/net/connection.hpp
  services/net/endpoint.hpp
  services/net/listener.hpp
  services/net/outgoing.hpp
  services/net/outbox.hpp
  services/net/pausing.hpp
  services/net/reactor.hpp
  services/net/shelf.hpp)

foreach(header IN LISTS public_headers)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${header} DESTINATION ${include_dir}/${folder})
endforeach()

install(TARGETS instar EXPORT instar
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT instar NAMESPACE instar:: FILE instarTargets.cmake
  DESTINATION ${package_dir})
configure_package_config_file(actors/cmake/instarConfig.cmake.in
  ${PROJECT_BINARY_DIR}/instarConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/instarConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/instarConfig.cmake ${PROJECT_BINARY_DIR}/instarConfigVersion.cmake
  actors/cmake/InstarAddModule.cmake
  DESTINATION ${package_dir})

# Every module of services/.
get_property(targets DIRECTORY services PROPERTY BUILDSYSTEM_TARGETS)
set(modules)
foreach(target IN LISTS targets)
  get_target_property(kind ${target} TYPE)
  if(kind STREQUAL MODULE_LIBRARY)
    list(APPEND modules ${target})
  endif()
endforeach()
set_target_properties(${modules} PROPERTIES INSTALL_RPATH $ORIGIN/../..)
add_custom_target(instar_modules DEPENDS ${modules})
install(TARGETS ${modules} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/instar/modules)

# Installed programs know where the installed modules are: the examples' own folder would be wrong.
file(GLOB graphs RELATIVE ${PROJECT_SOURCE_DIR}/apps CONFIGURE_DEPENDS apps/*/*.toml)
foreach(graph IN LISTS graphs)
  cmake_path(GET graph PARENT_PATH example)
  file(READ apps/${graph} text)
  string(REGEX REPLACE "modules = [^\n]*\n" "" text "${text}")
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/share/${graph} CONTENT "${text}" @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/share/${graph} DESTINATION ${CMAKE_INSTALL_DATADIR}/instar/${example})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS apps/${graph})
endforeach()
install(FILES apps/inspect/inspect.rules DESTINATION ${CMAKE_INSTALL_DATADIR}/instar/inspect)
install(DIRECTORY apps/http/www DESTINATION ${CMAKE_INSTALL_DATADIR}/instar/http)
