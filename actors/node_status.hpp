#pragma once

// What partitions and coordinators last told of themselves: for the metrics
// page, which must not wait for anybody. A few seconds old at most.

#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace millrace {

struct partition_status {
  offset log_start{0};
  offset high_watermark{0};
  int64_t size_bytes = 0;
  bool offline = false;
};

struct group_status {
  std::string group;
  int64_t members = 0;
  /// By partition: the committed offset.
  std::map<topic_partition, int64_t> committed;
};

/// What compaction has done.
struct compaction_counts {
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;
  uint64_t passes = 0;
  uint64_t busy_us = 0;
};

class node_status {
public:
  using partition_map = std::map<topic_partition, partition_status>;

  void set(const topic_partition& name, const partition_status& status) {
    const std::lock_guard lock{mutex_};
    partitions_[name] = status;
  }
  void erase(const topic_partition& name) {
    const std::lock_guard lock{mutex_};
    partitions_.erase(name);
  }
  /// All groups of one __consumer_offsets partition.
  void set_groups(int32_t partition, std::vector<group_status> groups) {
    const std::lock_guard lock{mutex_};
    groups_[partition] = std::move(groups);
  }
  void erase_groups(int32_t partition) {
    const std::lock_guard lock{mutex_};
    groups_.erase(partition);
  }

  /// Whether this node's controller leads.
  void set_controls(bool controls) {
    const std::lock_guard lock{mutex_};
    controls_ = controls;
  }
  [[nodiscard]] bool controls() const {
    const std::lock_guard lock{mutex_};
    return controls_;
  }
  /// How many log directories cannot be used.
  void set_failed_log_dirs(int64_t count) {
    const std::lock_guard lock{mutex_};
    failed_log_dirs_ = count;
  }
  [[nodiscard]] int64_t failed_log_dirs() const {
    const std::lock_guard lock{mutex_};
    return failed_log_dirs_;
  }

  void add_compaction(const compaction_counts& more) {
    const std::lock_guard lock{mutex_};
    compaction_.bytes_read += more.bytes_read;
    compaction_.bytes_written += more.bytes_written;
    compaction_.passes += more.passes;
    compaction_.busy_us += more.busy_us;
  }
  [[nodiscard]] compaction_counts compaction() const {
    const std::lock_guard lock{mutex_};
    return compaction_;
  }

  [[nodiscard]] partition_map partitions() const {
    const std::lock_guard lock{mutex_};
    return partitions_;
  }
  [[nodiscard]] std::vector<group_status> groups() const {
    const std::lock_guard lock{mutex_};
    std::vector<group_status> all;
    for (const auto& [partition, groups] : groups_)
      all.insert(all.end(), groups.begin(), groups.end());
    return all;
  }

private:
  mutable std::mutex mutex_;
  bool controls_ = false;
  int64_t failed_log_dirs_ = 0;
  partition_map partitions_;
  compaction_counts compaction_;
  std::map<int32_t, std::vector<group_status>> groups_;
};

} // namespace millrace
