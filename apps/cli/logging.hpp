#pragma once

// How the node's log lines reach stderr.

#include <string>

namespace millrace::cli {

/// Sets up the process's logger. Text lines are for people; JSON lines are
/// objects with `time`, `level`, `message`.
/// Precondition: words that serve's options accept.
void set_up_logging(const std::string& format, const std::string& level);

} // namespace millrace::cli
