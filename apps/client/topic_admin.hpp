#pragma once

// Administration of topics, one function for each request.

#include "apps/client/cluster.hpp"

#include <map>
#include <string>

namespace millrace::client {

struct new_topic {
  std::string name;
  int32_t partitions = -1;         ///< -1 = the server's default
  int16_t replication_factor = -1; ///< -1 = the server's default
  std::map<std::string, std::string> configs;
};

/// Errors of all: those of the server with its sentence; offline.
/// already_exists where there is such a topic.
[[nodiscard]] result<void> create_topic(
  cluster& nodes, const new_topic& topic, bool validate_only);
/// not_found where there is none.
[[nodiscard]] result<void> delete_topic(
  cluster& nodes, const std::string& name);
/// Grows a topic to `total` partitions.
[[nodiscard]] result<void> add_partitions(
  cluster& nodes, const std::string& name, int32_t total);
/// Deletes what is below the given offsets (-1 = all that is committed).
/// Returns the new log start offsets.
[[nodiscard]] result<std::map<topic_partition, int64_t>> delete_records(
  cluster& nodes, const std::map<topic_partition, int64_t>& before);

} // namespace millrace::client
