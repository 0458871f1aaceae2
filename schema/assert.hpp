#pragma once

namespace millrace {

/// Writes what was believed to stderr and ends the process.
[[noreturn]] void assertion_failed(
  const char* condition, const char* believed, const char* file, int line);

} // namespace millrace

/// Stays on in release builds: state that broke an invariant must not be
/// replicated.
#define MILLRACE_ASSERT(condition, believed)                                   \
  ((condition) ? static_cast<void>(0)                                          \
               : ::millrace::assertion_failed(                                 \
                   #condition, believed, __FILE__, __LINE__))
