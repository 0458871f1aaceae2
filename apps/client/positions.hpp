#pragma once

// Offsets by question: where a log begins, where it ends, what was written
// at a time.

#include "apps/client/cluster.hpp"

#include <map>
#include <vector>

namespace millrace::client {

/// Special timestamps of ListOffsets.
inline constexpr int64_t latest_timestamp = -1;
inline constexpr int64_t earliest_timestamp = -2;

/// Asks the leader of each partition for the offset of its first record at
/// or after a timestamp, or one of the special ones; -1 where there is no
/// such record. Retries while leaders change.
/// Errors: not_found, offline, others as the server says.
[[nodiscard]] result<std::map<topic_partition, int64_t>> find_offsets(
  cluster& nodes, const std::map<topic_partition, int64_t>& timestamps);

/// The same timestamp for all.
[[nodiscard]] result<std::map<topic_partition, int64_t>> find_offsets(
  cluster& nodes, const std::vector<topic_partition>& partitions,
  int64_t timestamp);

} // namespace millrace::client
