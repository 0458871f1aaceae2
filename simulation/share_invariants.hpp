#pragma once

// What must hold of share groups inside the nodes, after every step: where
// partitions are led, and where their share coordinators are (KIP-932).

#include "cluster/share_partition.hpp"
#include "cluster/share_partition_progress.hpp"
#include "cluster/share_state_question.hpp"
#include "simulation/sim_cluster.hpp"

#include <functional>
#include <map>
#include <string>

namespace millrace {

struct broker_state;
struct share_coordinator_state;

class share_invariants {
public:
  explicit share_invariants(sim_cluster& cluster) : cluster_(cluster) {}

  /// After a step of this actor of this node.
  void check(int32_t node, caf::actor_id actor);
  /// The node has ended.
  void forget(int32_t node);
  /// Records that have been given out as often as may be.
  std::function<void(const share_partition_key&, int64_t first, int64_t last)>
    on_exhausted;

  /// The first rule that was broken, or empty.
  [[nodiscard]] const std::string& violation() const {
    return violation_;
  }

private:
  /// A share partition as one leadership has it.
  struct seat_view {
    int32_t epoch = -1;
    int64_t start = 0;
    std::map<int64_t, std::pair<int64_t, int16_t>> deliveries; ///< by first
  };
  /// What a coordinator has made durable of a share partition.
  struct durable_view {
    int32_t at = -1; ///< the partition of __share_group_state
    int32_t by = -1; ///< the coordinator's epoch
    int64_t start = -1;
    int32_t leader_epoch = 0;
  };
  /// The last leader of a share partition, and how far it is for certain.
  struct leader_view {
    int32_t epoch = -1;
    int64_t start = -1;
  };
  using seat_key = std::pair<caf::actor_id, share_partition_key>;

  /// Who is who on a node.
  struct actor_names {
    std::map<caf::actor_id, topic_partition> replicas;
    std::map<caf::actor_id, topic_partition> coordinators;
  };

  static void learn(actor_names& names, const broker_state& broker);
  void fail(int32_t node, const share_partition_key& key, std::string what);
  void check_seat(int32_t node, caf::actor_id actor,
    const share_partition_key& key, const share_partition& core, int32_t epoch);
  void check_deliveries(int32_t node, const share_partition_key& key,
    seat_view& seen, const share_partition& core);
  void check_coordinator(
    int32_t node, const share_coordinator_state& state, int32_t epoch);
  [[nodiscard]] bool may_go_back(
    const share_partition_key& key, const share_partition_progress& to) const;

  sim_cluster& cluster_;
  std::string violation_;
  std::map<int32_t, actor_names> names_;                   ///< by node
  std::map<int32_t, std::map<seat_key, seat_view>> seats_; ///< by node
  std::map<share_partition_key, durable_view> durable_;
  std::map<share_partition_key, leader_view> leaders_;
};

} // namespace millrace
