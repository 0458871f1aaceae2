#pragma once

// What is wrong in a cluster, and why: worked out from what any node says of
// it.

#include "apps/cli/table.hpp"
#include "apps/client/replica_admin.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace millrace::cli {

struct cluster_facts {
  std::vector<client::known_node> nodes;
  /// None: no node leads the metadata, or the server does not tell.
  std::optional<client::quorum_state> quorum;
  std::vector<client::topic_info> topics;
  /// min.insync.replicas of those topics for which it matters.
  std::map<std::string, int32_t> in_sync_min;
};

enum class partition_health : uint8_t {
  in_sync,
  under_replicated, ///< a replica is behind or away
  refuses_acks_all, ///< fewer in sync than min.insync.replicas
  offline,          ///< no leader
};

[[nodiscard]] const char* to_string(partition_health health);

struct partition_trouble {
  topic_partition name;
  partition_health health = partition_health::in_sync;
  int32_t leader = -1;
  std::vector<int32_t> replicas;
  std::vector<int32_t> isr;
  std::string why; ///< a sentence
};

struct cluster_report {
  int64_t partitions = 0;
  std::map<partition_health, int64_t> counts;
  std::vector<partition_trouble> troubles; ///< the worst first

  /// Whether everything can be read and, by acks=all, written.
  [[nodiscard]] bool serves() const;
};

/// Topics whose min.insync.replicas should be asked for: those with replicas
/// that are not in sync.
[[nodiscard]] std::vector<std::string> topics_in_trouble(
  const std::vector<client::topic_info>& topics);

[[nodiscard]] cluster_report report_on(const cluster_facts& facts);

/// How many partitions a rebalance would move, counted up to a thousand.
[[nodiscard]] int64_t moves_to_balance(const cluster_facts& facts);
/// What that means for an operator.
[[nodiscard]] std::string balance_line(int64_t moves);

/// Who leads the metadata, and who votes on it: a sentence.
[[nodiscard]] std::string quorum_line(const cluster_facts& facts);
/// One row for each node: what it leads and follows.
[[nodiscard]] table nodes_table(const cluster_facts& facts);
[[nodiscard]] table troubles_table(const cluster_report& report);

} // namespace millrace::cli
