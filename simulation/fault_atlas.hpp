#pragma once

// Which disks may be damaged now, so that what is left can repair them: one
// node's at a time, until all of its replicas are whole again and counted on,
// and only if somebody else has everything that was committed.

#include "simulation/partition_invariants.hpp"
#include "simulation/sim_cluster.hpp"

namespace millrace {

class fault_atlas {
public:
  fault_atlas(sim_cluster& cluster, partition_invariants& partitions)
      : cluster_(cluster), partitions_(partitions) {}

  /// Records of this node may be damaged.
  [[nodiscard]] bool may_damage(int32_t node) const;
  /// All that this node has may be lost. Not of a voter of the metadata: it
  /// would be another voter (R24).
  [[nodiscard]] bool may_wipe(int32_t node) const;
  /// It has happened to one log, `<topic>-<partition>`: until that is whole
  /// again nothing else is damaged.
  void damaged(int32_t node, const std::string& log);
  /// The same of all that the node had.
  void wiped(int32_t node);

private:
  void damaged_where(
    int32_t node, const std::function<bool(const topic_partition&)>& concerns);

  sim_cluster& cluster_;
  partition_invariants& partitions_;
  mutable int64_t known_index_ = -1; ///< of the metadata
};

} // namespace millrace
