#pragma once

// Kafka's checkpoint files: an offset for each partition, as text that
// replaces itself whole.
//
//   0                      the version
//   2                      how many lines follow
//   orders 0 1024          topic, partition, offset
//   orders 1 512

#include "schema/types.hpp"
#include "storage/file.hpp"

#include <map>

namespace millrace {

using checkpoint = std::map<topic_partition, offset>;

/// The text of a checkpoint file, sorted by topic and partition.
[[nodiscard]] std::string format_checkpoint(const checkpoint& entries);

/// Reads such a text. `name` is for the error's context, which names the
/// line: errc::unsupported for another version, errc::corrupt for the rest.
result<checkpoint> parse_checkpoint(
  std::string_view text, const std::string& name);

/// Reads the file; a file that is not there holds no entries.
result<checkpoint> read_checkpoint(file_system& files, const std::string& path);

/// Replaces the file durably: a crash leaves the old one or the new.
result<void> write_checkpoint(
  file_system& files, const std::string& path, const checkpoint& entries);

} // namespace millrace
