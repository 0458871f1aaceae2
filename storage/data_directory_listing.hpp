#pragma once

// What lies in a data directory: the names of log directories, and the
// topic id that each holds in `partition.metadata` (Kafka's file).

#include "schema/types.hpp"
#include "storage/file.hpp"

#include <optional>

namespace millrace {

/// The directory of one partition's log.
struct log_directory {
  topic_partition partition;
  std::string name; ///< `orders-0`
  /// None where partition.metadata is missing or cannot be read.
  std::optional<uuid> topic_id;
};

struct log_listing {
  std::vector<log_directory> logs;
  /// `...-delete`: to be removed.
  std::vector<std::string> deleted;
  /// `...-future`: copies of logs that were on their way to this directory.
  std::vector<std::string> future;
  /// Directories that no name rule explains: reported, never adopted (R17).
  std::vector<std::string> strays;
  /// Log directories whose partition.metadata cannot be read.
  std::vector<error> broken;
};

/// Lists `path`. Directories whose name starts with `millrace.` are the
/// node's own and left out, as is `lost+found`.
result<log_listing> list_log_directories(
  file_system& files, const std::string& path);

/// `topic-N`, strictly: the topic's characters and length are Kafka's, the
/// number has no leading zeros.
[[nodiscard]] std::optional<topic_partition> parse_log_directory_name(
  std::string_view name);

/// `name.<unique>-delete`, which a log directory is renamed to before it is
/// removed (R17); cut to 255 bytes as Kafka cuts it.
[[nodiscard]] std::string deleted_directory_name(
  std::string_view name, const uuid& unique);
/// `name.<unique>-future`, likewise: a log that is being moved here.
[[nodiscard]] std::string future_directory_name(
  std::string_view name, const uuid& unique);
/// Whose log it is going to be; none if the name is no such name, or cut.
[[nodiscard]] std::optional<topic_partition> parse_future_directory_name(
  std::string_view name);

/// The text of `partition.metadata`.
[[nodiscard]] std::string format_partition_metadata(const uuid& topic_id);
result<uuid> parse_partition_metadata(
  std::string_view text, const std::string& name);

/// Of the log directory at `path`. None when there is no such file.
result<std::optional<uuid>> read_topic_id(
  file_system& files, const std::string& path);
result<void> write_topic_id(
  file_system& files, const std::string& path, const uuid& topic_id);
/// As write_topic_id() for a directory that is just being made: it is not
/// durable before sync_topic_id() and a sync of both directories.
result<void> write_topic_id_unsynced(
  file_system& files, const std::string& path, const uuid& topic_id);
/// Does nothing where there is no such file.
result<void> sync_topic_id(file_system& files, const std::string& path);

} // namespace millrace
