# How tests are registered with ctest.
#
# A name says in which build a test runs: `storage` in an ordinary one,
# `asan.storage` and `tsan.storage` under the sanitizers, so that one ctest run
# can hold several builds (./check makes one).
set(MILLRACE_TEST_PREFIX "")
if(MILLRACE_SANITIZE MATCHES "address")
  set(MILLRACE_TEST_PREFIX "asan.")
elseif(MILLRACE_SANITIZE MATCHES "thread")
  set(MILLRACE_TEST_PREFIX "tsan.")
endif()
set(MILLRACE_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_leaks=1:abort_on_error=0"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

# What is built for the sanitizers: the test programs, without the binary.
if(NOT TARGET unit_tests)
  add_custom_target(unit_tests)
endif()

# millrace_program_test(TARGET NAME [LABEL]): runs a program built here.
function(millrace_program_test target name)
  set(label unit)
  if(ARGN)
    set(label ${ARGN})
  endif()
  add_dependencies(unit_tests ${target})
  add_test(NAME ${MILLRACE_TEST_PREFIX}${name} COMMAND ${target})
  set_tests_properties(${MILLRACE_TEST_PREFIX}${name} PROPERTIES
    LABELS ${label} TIMEOUT 900
    ENVIRONMENT "${MILLRACE_TEST_ENVIRONMENT}")
  if(MILLRACE_SANITIZE) # ten times as slow: the short loops are enough
    set_tests_properties(${MILLRACE_TEST_PREFIX}${name} PROPERTIES
      ENVIRONMENT_MODIFICATION "MILLRACE_LONG=unset:")
  endif()
endfunction()

# millrace_script_test(NAME COMMAND ARG... [MAY_SKIP] [SERIAL] [TIMEOUT S]
#   [LABEL L]): runs a script against the ordinary build only. It finds
#   MILLRACE_BINARY   the program under test
#   MILLRACE_CLIENTS  the real clients that tools/clients.sh brought
#   MILLRACE_SOURCE   the root of the tree
# in its environment. Exit code 77 means "the tool chain cannot be had here":
# a skip where MAY_SKIP is said, and a failure like any other where it is not.
function(millrace_script_test name)
  cmake_parse_arguments(T "MAY_SKIP;SERIAL" "TIMEOUT;LABEL" "COMMAND" ${ARGN})
  if(MILLRACE_SANITIZE)
    return()
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  if(NOT T_LABEL)
    set(T_LABEL clients)
  endif()
  add_test(NAME ${name} COMMAND ${T_COMMAND}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set(clients ${CMAKE_SOURCE_DIR}/build/clients)
  set_tests_properties(${name} PROPERTIES
    LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT}
    ENVIRONMENT "MILLRACE_BINARY=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/millrace;MILLRACE_CLIENTS=${clients};MILLRACE_SOURCE=${CMAKE_SOURCE_DIR}")
  if(T_MAY_SKIP)
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
  endif()
  if(T_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
