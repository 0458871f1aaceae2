#pragma once

// Ctrl-C in a command that runs until it is told to stop.

namespace millrace::cli {

/// From now on the first SIGINT or SIGTERM is only noted; a second one ends
/// the process as if nothing had been asked for.
void watch_for_interrupt();
[[nodiscard]] bool interrupted();

} // namespace millrace::cli
