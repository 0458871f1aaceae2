#pragma once

// Which disks may be damaged now, so that what is left can repair them: one
// node's at a time, until all of its replicas are whole again and counted on,
// and only if somebody else has everything that was committed.

#include "simulation/metadata_invariants.hpp"
#include "simulation/partition_invariants.hpp"
#include "simulation/sim_cluster.hpp"

namespace millrace {

class fault_atlas {
public:
  fault_atlas(sim_cluster& cluster, const metadata_invariants& metadata,
    partition_invariants& partitions)
      : cluster_(cluster), metadata_(metadata), partitions_(partitions) {}

  /// Records of this node may be damaged.
  [[nodiscard]] bool may_damage(int32_t node) const;
  /// All that this node has may be lost. Of whoever votes on the metadata only
  /// while a majority of the voters is whole without it, and never of another
  /// node before the last one has been taken in again, as another member (R24).
  [[nodiscard]] bool may_wipe(int32_t node) const;
  /// It has happened to one log, `<topic>-<partition>`: until that is whole
  /// again nothing else is damaged.
  void damaged(int32_t node, const std::string& log);
  /// The same of all that the node had.
  void wiped(int32_t node);
  /// Of those that were wiped.
  [[nodiscard]] uint64_t wiped_voters() const {
    return wiped_voters_;
  }

private:
  [[nodiscard]] bool has_returned() const;

  sim_cluster& cluster_;
  const metadata_invariants& metadata_;
  partition_invariants& partitions_;
  std::set<raft_member> lost_;        ///< members whose directory is gone
  std::optional<node_id> comes_back_; ///< with another directory
  uint64_t wiped_voters_ = 0;
};

} // namespace millrace
