#pragma once

// The clock of time-outs of real sockets and of "once a second" in real
// event loops. Nothing that decides anything reads it.

#include <cstdint>

namespace millrace {

/// Milliseconds of a clock that never jumps; the zero is arbitrary.
[[nodiscard]] int64_t steady_ms();

} // namespace millrace
