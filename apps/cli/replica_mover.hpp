#pragma once

// Carries out moves of replicas, some at a time, and waits for them.

#include "apps/cli/table.hpp"
#include "apps/client/replica_admin.hpp"

#include <map>
#include <vector>

namespace millrace::cli {

/// What a plan is made of.
struct placed_cluster {
  std::vector<usable_broker> nodes; ///< the live ones
  std::vector<placed_partition> partitions;
};

[[nodiscard]] placed_cluster placement_of(
  const std::vector<client::known_node>& nodes,
  const std::vector<client::topic_info>& topics);
/// Errors: offline, others as the server says.
[[nodiscard]] result<placed_cluster> placement_of(client::cluster& nodes);

struct moves_made {
  size_t done = 0;
  std::map<topic_partition, std::string> refused;
  size_t cancelled = 0; ///< by somebody else
};

/// Starts `at_once` moves whenever the ones before are done, and lets the
/// first replica of each lead. Ends early, between moves, when interrupted()
/// or when somebody has cancelled some. Errors: offline, others as the server
/// says.
[[nodiscard]] result<moves_made> move_replicas(client::cluster& nodes,
  const std::vector<replica_move>& moves, size_t at_once);

/// `1,2,3`.
[[nodiscard]] std::string join_ids(const std::vector<int32_t>& ids);
[[nodiscard]] std::string join_ids(const std::vector<node_id>& ids);

/// One row for each partition: from where, to where.
[[nodiscard]] table moves_table(const move_plan& plan);

} // namespace millrace::cli
