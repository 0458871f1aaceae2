#pragma once

// Which replicas go where: away from a node, or until every node holds and
// leads about as much as the others. Pure: from what a cluster is to the moves
// that change it; the controller carries them out as reassignments (KIP-455).

#include "cluster/placement.hpp"

#include <cstdint>
#include <set>
#include <vector>

namespace millrace {

struct placed_partition {
  topic_partition name;
  std::vector<node_id> replicas; ///< the preferred leader first
  int64_t bytes = 0;             ///< of each replica; 0: not known
};

struct replica_move {
  topic_partition name;
  std::vector<node_id> from;
  std::vector<node_id> to; ///< as many as `from`

  /// Whether some node is in `to` that is not in `from`; else only who is to
  /// lead changes.
  [[nodiscard]] bool copies_data() const;
  friend bool operator==(const replica_move&, const replica_move&) = default;
};

[[nodiscard]] std::set<topic_partition> names_of(
  const std::vector<replica_move>& moves);

struct move_plan {
  std::vector<replica_move> moves; ///< at most one for each partition
  /// They need the node: every other usable one has a replica already.
  std::vector<topic_partition> stuck;
};

/// Takes everything away from `node`: another node gets each of its replicas,
/// on a rack that the partition is not on yet where there is one, else one
/// that holds little. Where no other node is left it only stops leading.
/// @param nodes those that may be given replicas; `node` may be among them
[[nodiscard]] move_plan plan_drain(std::span<const usable_broker> nodes,
  const std::vector<placed_partition>& partitions, node_id node);

/// Others are to lead what `node` is to lead; its data stays. Partitions that
/// are nowhere else are stuck.
[[nodiscard]] move_plan plan_handover(std::span<const usable_broker> nodes,
  const std::vector<placed_partition>& partitions, node_id node);

/// Few moves after which no two nodes differ by more than one replica, and
/// hardly in how often they are to lead; no partition is on fewer racks than
/// before. Nothing for a cluster that is so already. Replicas on nodes that
/// are not usable stay.
///
/// Where sizes are known, big replicas then change places with small ones,
/// until the fullest node has hardly more bytes than the emptiest: within a
/// tenth of what a node has on average (or 100 MB), or as near as whole
/// replicas come.
/// @param moves_max so many at most: the first ones of a longer way
[[nodiscard]] move_plan plan_balance(std::span<const usable_broker> nodes,
  const std::vector<placed_partition>& partitions, size_t moves_max = SIZE_MAX);

} // namespace millrace
