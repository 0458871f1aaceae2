#pragma once

// What a command's exit status means; scripts may rely on it.

#include "schema/result.hpp"

namespace millrace::cli {

enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,      ///< the server refused, or a file could not be read
  exit_usage = 2,       ///< the command line or a configuration is wrong
  exit_not_found = 3,   ///< no such topic, group, partition or key
  exit_unreachable = 4, ///< no server answered within the time-out
};

/// The exit code for an error that ended a command.
[[nodiscard]] int exit_code_of(const error& why);

/// Writes `millrace: <why>` to stderr and returns the exit code for it.
int report(const error& why);

/// Writes a command-line mistake to stderr; returns exit_usage.
int report_usage(const std::string& sentence);

} // namespace millrace::cli
