#pragma once

// What must hold of the metadata group, on all nodes together, after every
// step: the claims of the Raft paper (figure 3) on the production cores, and
// that every image is a prefix of one log.

#include "cluster/metadata_image.hpp"
#include "simulation/sim_cluster.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

class metadata_invariants {
public:
  explicit metadata_invariants(sim_cluster& cluster) : cluster_(cluster) {}

  /// After a step of this actor of this node.
  void check(int32_t node, caf::actor_id actor);
  /// The node has ended: what it holds in memory is gone.
  void forget(int32_t node);

  /// The first rule that was broken, or empty.
  [[nodiscard]] const std::string& violation() const {
    return violation_;
  }
  /// Leaders that the group has had.
  [[nodiscard]] uint64_t elections() const {
    return leaders_.size();
  }
  [[nodiscard]] uint64_t committed() const {
    return committed_.size();
  }
  [[nodiscard]] uint64_t images_compared() const {
    return images_compared_;
  }

private:
  struct entry {
    uint64_t term = 0;
    std::optional<uint64_t> payload; ///< its hash, once somebody had it
  };
  /// What a member is known to have on disk.
  struct durable_log {
    uint64_t index = 0;
    uint64_t term = 0;
  };
  struct node_view {
    uint64_t committed = 0;
    int64_t applied = -1;
    int64_t broker_applied = -1;
  };

  void fail(int32_t node, const std::string& what);
  void check_consensus(int32_t node);
  void check_leader(int32_t node, const raft_core& core);
  void check_commit(int32_t node, const raft_core& core);
  [[nodiscard]] bool is_durable(
    const raft_configuration& members, raft_position p);
  /// @param follows_members brokers are not told the members of the group
  void check_image(int32_t node, const metadata_image& image, int64_t& seen,
    bool follows_members);
  void check_epochs(const metadata_image& image);

  sim_cluster& cluster_;
  std::string violation_;
  std::map<uint64_t, raft_member> leaders_; ///< by term
  std::vector<entry> committed_;            ///< entry 1 is the first
  std::map<raft_member, durable_log> durable_;
  std::map<int32_t, node_view> seen_;
  std::map<int32_t, uint64_t> leads_since_; ///< the term, by node; 0: does not
  /// As the first node that came there had it; old ones are let go.
  std::map<int64_t, metadata_image> images_;
  /// Who leads a partition of a topic in an epoch, and its last change.
  struct epochs {
    int32_t leader_epoch = -1;
    int32_t partition_epoch = -1;
    node_id leader = no_node;
  };
  std::map<std::pair<uuid, int32_t>, epochs> epochs_;
  uint64_t images_compared_ = 0;
};

} // namespace millrace
