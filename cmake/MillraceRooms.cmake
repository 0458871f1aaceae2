# How a room becomes a library, and a folder of tests a program.
#
# millrace_room(NAME DEPENDS LIBRARIES...)  every .cpp below the folder that
# calls it becomes part of the static library millrace_NAME, which may link
# only what the layering rule allows (tests/tidy checks the includes as well).
find_package(Threads REQUIRED)

# How we compile ourselves is nobody else's matter, but for the standard.
add_library(millrace_options INTERFACE)
target_compile_features(millrace_options INTERFACE cxx_std_20)
target_compile_options(millrace_options INTERFACE
  "$<BUILD_INTERFACE:-Wall;-Wextra;-Werror;-Wno-missing-field-initializers>"
  $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>>
  # Clang only builds the fuzzers, and GCC has the word on warnings.
  $<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:Clang>:-Wno-error>>
  "$<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:Clang>:SHELL:-include ${CMAKE_SOURCE_DIR}/cmake/clang_capnp.hpp>>")
target_include_directories(millrace_options INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>
  $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/generated>
  $<INSTALL_INTERFACE:include/millrace>)
# g++ 12 sees memory errors in the standard library's string concatenation at
# -O2 where there are none (its bugs 105329, 105651).
target_compile_options(millrace_options INTERFACE
  "$<BUILD_INTERFACE:$<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread;-Wno-maybe-uninitialized;-Wno-free-nonheap-object>>")
if(MILLRACE_SANITIZE)
  target_compile_options(millrace_options INTERFACE
    -fsanitize=${MILLRACE_SANITIZE} -fno-omit-frame-pointer -O1 -g1)
  target_link_options(millrace_options INTERFACE
    -fsanitize=${MILLRACE_SANITIZE})
  if(MILLRACE_SANITIZE MATCHES "undefined")
    # CAF 0.17.6 binds a null reference when it spawns a function without
    # arguments (detail/init_fun_factory.hpp): harmless, and not ours.
    target_compile_options(millrace_options INTERFACE
      -fno-sanitize-recover=undefined -fno-sanitize=null)
  endif()
endif()

# One precompiled header for what includes no CAF header, one for what does.
function(millrace_pch target header)
  file(WRITE ${CMAKE_BINARY_DIR}/${target}.cpp "int ${target}_anchor;\n")
  add_library(${target} STATIC ${CMAKE_BINARY_DIR}/${target}.cpp)
  target_link_libraries(${target} PUBLIC millrace_options Threads::Threads)
  target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/${header})
endfunction()
millrace_pch(millrace_pch_std pch_std.hpp)

function(millrace_room name)
  cmake_parse_arguments(ROOM "" "PCH" "DEPENDS;SOURCES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(target millrace_${name})
  add_library(${target} STATIC ${sources} ${ROOM_SOURCES})
  target_link_libraries(${target} PUBLIC millrace_options Threads::Threads ${ROOM_DEPENDS})
  if(NOT ROOM_PCH)
    set(ROOM_PCH millrace_pch_std)
  endif()
  target_precompile_headers(${target} REUSE_FROM ${ROOM_PCH})
endfunction()
