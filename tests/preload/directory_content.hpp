#pragma once

// The content of a directory in memory, to be compared and rebuilt.

#include <map>
#include <optional>
#include <string>

namespace millrace::preload {

/// What LMDB maps and makes anew at each start: no part of a content.
inline constexpr const char* lock_file_name = "lock.mdb";

/// Path below the directory, from `/` on -> bytes, or nothing where the path
/// is a directory.
using directory_content = std::map<std::string, std::optional<std::string>>;

/// Reads a directory. Precondition: it is there.
[[nodiscard]] directory_content read_directory(const std::string& path);
/// Writes it into a directory, which is made.
void write_directory(const std::string& path, const directory_content& content);

} // namespace millrace::preload
