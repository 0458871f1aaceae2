#pragma once

// Everything that must hold of a cluster after each step that a node takes,
// whatever the clients see.

#include "simulation/metadata_invariants.hpp"
#include "simulation/partition_invariants.hpp"
#include "simulation/raft_promises.hpp"
#include "simulation/share_invariants.hpp"

namespace millrace {

class invariants {
public:
  explicit invariants(sim_cluster& cluster)
      : metadata_(cluster), promises_(cluster), partitions_(cluster),
        shares_(cluster) {}

  /// After a step of this actor of this node: nothing else has changed.
  void check(int32_t node, caf::actor_id actor) {
    metadata_.check(node, actor);
    promises_.check(node, actor);
    partitions_.check(node, actor);
    shares_.check(node, actor);
  }
  /// The node says this to another one.
  void said(int32_t node, const envelope& message) {
    promises_.said(node, message);
  }
  /// The node has ended.
  void forget(int32_t node) {
    metadata_.forget(node);
    promises_.forget(node);
    partitions_.forget(node);
    shares_.forget(node);
  }
  /// The first one that was broken, or empty.
  [[nodiscard]] const std::string& violation() const {
    if (!metadata_.violation().empty())
      return metadata_.violation();
    if (!promises_.violation().empty())
      return promises_.violation();
    return partitions_.violation().empty() ? shares_.violation()
                                           : partitions_.violation();
  }
  [[nodiscard]] const metadata_invariants& metadata() const {
    return metadata_;
  }
  [[nodiscard]] partition_invariants& partitions() {
    return partitions_;
  }
  [[nodiscard]] share_invariants& shares() {
    return shares_;
  }

private:
  metadata_invariants metadata_;
  raft_promises promises_;
  partition_invariants partitions_;
  share_invariants shares_;
};

} // namespace millrace
