#pragma once

// Reads records of partitions from their leaders, from given offsets on.

#include "apps/client/batch_codec.hpp"
#include "apps/client/cluster.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace::client {

struct fetcher_options {
  int32_t min_bytes = 1;
  int32_t bytes_max = 16 << 20;
  int32_t partition_bytes_max = 1 << 20;
  /// Consumers of transactional topics see only what was committed.
  bool read_committed = false;
};

/// One fetch at a time to each leader. Positions are its own.
class fetcher {
public:
  fetcher(cluster& nodes, fetcher_options options);

  /// Reads these partitions from these offsets, and no others.
  /// Errors: not_found, offline.
  [[nodiscard]] result<void> assign(
    std::map<topic_partition, int64_t> positions);

  /// Waits for records at most `wait_ms`; may return none. Moves positions.
  /// What fails for a passing reason is tried again until the cluster's
  /// time-out. Errors: out_of_range (the offset is gone), not_found, corrupt.
  [[nodiscard]] result<std::vector<fetched_record>> poll(int32_t wait_ms);

  /// The next offset of each partition.
  [[nodiscard]] const std::map<topic_partition, int64_t>& positions() const {
    return positions_;
  }
  /// Whether every position has reached the end that its log had at the
  /// latest poll that read it.
  [[nodiscard]] bool at_end() const;
  /// Record bytes received, as they were on the wire.
  [[nodiscard]] int64_t received_bytes() const {
    return received_bytes_;
  }

private:
  [[nodiscard]] result<std::vector<fetched_record>> poll_once(int32_t wait_ms);
  [[nodiscard]] kafka::fetch_request request_for(
    const std::vector<topic_partition>& partitions, int32_t wait_ms) const;
  [[nodiscard]] result<void> take(const std::string& topic,
    const kafka::fetch_response::partition_data& answer,
    std::vector<fetched_record>& records);

  cluster& nodes_;
  fetcher_options options_;
  std::map<topic_partition, int64_t> positions_;
  std::map<topic_partition, int64_t> ends_;
  std::map<int32_t, std::vector<topic_partition>> leaders_;
  /// Named in each fetch, so that only these leaders answer: a follower, which
  /// a deposed one is, may not know yet where the log ends (KIP-392).
  std::map<topic_partition, int32_t> epochs_;
  size_t turn_ = 0;
  int64_t received_bytes_ = 0;
};

} // namespace millrace::client
