#pragma once

#include "actors/environment.hpp"

namespace millrace {

/// The outside as it is: POSIX files, LMDB, the system's clocks and random
/// numbers, threads.
std::unique_ptr<environment> make_real_environment();

/// Processors that this process may run on.
size_t processor_count();

} // namespace millrace
