#pragma once

// What a member of the metadata group says binds it, whatever happens to its
// machine: a term and a vote that others have heard of are on its disk, and
// so is every entry that it has acknowledged, until another leader comes.

#include "schema/raft_message.hpp"
#include "simulation/sim_cluster.hpp"

#include <map>
#include <string>

namespace millrace {

class raft_promises {
public:
  explicit raft_promises(sim_cluster& cluster) : cluster_(cluster) {}

  /// The node says this to another one.
  void said(int32_t node, const envelope& message);
  /// After a step of this actor of the node.
  void check(int32_t node, caf::actor_id actor);
  /// The node has ended: its disk alone knows what it said.
  void forget(int32_t node);

  /// The first promise that was broken, or empty.
  [[nodiscard]] const std::string& violation() const {
    return violation_;
  }
  /// Terms and votes that were looked for on a disk.
  [[nodiscard]] uint64_t votes_checked() const {
    return votes_checked_;
  }

private:
  /// The highest entry acknowledged in a term.
  struct acknowledgement {
    uint64_t term = 0;
    uint64_t match = 0;
  };

  void fail(int32_t node, const std::string& what);
  void check_vote(int32_t node, const raft_vote& said);

  sim_cluster& cluster_;
  std::string violation_;
  std::map<int32_t, uint64_t> terms_; ///< by node: is on its disk
  /// Who has lost its disk is another member (R24).
  std::map<raft_member, acknowledgement> acknowledged_;
  uint64_t votes_checked_ = 0;
};

} // namespace millrace
