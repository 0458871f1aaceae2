#pragma once

// Time for command-line clients. The node gets its clocks from its
// environment; a command that ends after one conversation reads the system's.

#include <cstdint>

namespace millrace::client {

/// Monotonic milliseconds since an arbitrary beginning.
[[nodiscard]] int64_t steady_ms();
/// Monotonic nanoseconds, for latencies.
[[nodiscard]] int64_t steady_ns();
/// Milliseconds since the epoch.
[[nodiscard]] int64_t wall_ms();
/// Waits; a signal ends it early.
void pause_ms(int64_t milliseconds);

} // namespace millrace::client
