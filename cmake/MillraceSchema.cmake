# millrace_schema_library(NAME FILE...): a static library of what Cap'n
# Proto's compiler makes of the schemas, for custom actors; who links it
# includes "FILE.h". Installed with Millrace.
find_program(CAPNP capnp REQUIRED)

function(millrace_schema_library name)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name})
  file(MAKE_DIRECTORY ${folder})
  set(made)
  foreach(schema ${ARGN})
    cmake_path(ABSOLUTE_PATH schema NORMALIZE OUTPUT_VARIABLE path)
    cmake_path(GET path FILENAME file)
    cmake_path(GET path PARENT_PATH parent)
    add_custom_command(
      OUTPUT ${folder}/${file}.c++ ${folder}/${file}.h
      COMMAND ${CAPNP} compile -oc++:${folder} --src-prefix=${parent} ${path}
      DEPENDS ${path}
      COMMENT "Generating the messages of ${file}"
      VERBATIM)
    set_source_files_properties(${folder}/${file}.c++ PROPERTIES
      COMPILE_OPTIONS "-w")
    list(APPEND made ${folder}/${file}.c++ ${folder}/${file}.h)
  endforeach()
  add_library(${name} STATIC ${made})
  target_include_directories(${name} PUBLIC ${folder})
  target_link_libraries(${name} PUBLIC capnp kj)
endfunction()
