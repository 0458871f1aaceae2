#pragma once

// Files that a command makes for its user.

#include "schema/result.hpp"

#include <sys/stat.h>

#include <string>

namespace millrace::cli {

inline constexpr mode_t everyone_reads = 0644;
inline constexpr mode_t owner_reads = 0600;

/// A new file, never one that is there: already_exists. Other errors:
/// permission, out_of_space, io_error, not_found (its directory).
[[nodiscard]] result<void> write_new(
  const std::string& path, const std::string& text, mode_t mode);

/// All of a file. Errors: not_found, permission, io_error.
[[nodiscard]] result<std::string> read_whole(const std::string& path);

} // namespace millrace::cli
