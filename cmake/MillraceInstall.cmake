# What `cmake --install` gives: the program, and for find_package(millrace) the
# targets millrace::node (a program with actors of its own), millrace::actors
# (the actors alone) and millrace::testing (their tests). docs/extend.md says
# which headers are stable.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(millrace_headers ${CMAKE_INSTALL_INCLUDEDIR}/millrace)
set(millrace_cmake ${CMAKE_INSTALL_LIBDIR}/cmake/millrace)

set_target_properties(millrace_nodes PROPERTIES EXPORT_NAME node)
set_target_properties(millrace_actors PROPERTIES EXPORT_NAME actors)
set_target_properties(millrace_simulation PROPERTIES EXPORT_NAME testing)

install(TARGETS millrace RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(
  TARGETS millrace_options millrace_schema millrace_storage millrace_cluster
    millrace_net millrace_actors millrace_simulation millrace_client
    millrace_apps millrace_nodes
  EXPORT millrace
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT millrace
  NAMESPACE millrace:: FILE millrace-targets.cmake
  DESTINATION ${millrace_cmake})

# The rooms, as the includes name them.
install(
  DIRECTORY schema storage cluster net actors simulation apps
  DESTINATION ${millrace_headers}
  FILES_MATCHING PATTERN "*.hpp" PATTERN "examples" EXCLUDE)
install(
  DIRECTORY ${CMAKE_BINARY_DIR}/generated/schema
  DESTINATION ${millrace_headers}
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*.capnp.h")

configure_package_config_file(cmake/millrace-config.cmake.in
  ${CMAKE_BINARY_DIR}/millrace-config.cmake
  INSTALL_DESTINATION ${millrace_cmake})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/millrace-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(
  FILES ${CMAKE_BINARY_DIR}/millrace-config.cmake
    ${CMAKE_BINARY_DIR}/millrace-config-version.cmake
    cmake/FindCAF.cmake cmake/MillraceSchema.cmake
  DESTINATION ${millrace_cmake})
