#pragma once

// What must hold of the replicas of all partitions together, after every
// step: one leader in an epoch, what is below a high watermark is the same on
// every replica that counts, on its disk, and stays.

#include "actors/partition.hpp"
#include "simulation/sim_cluster.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace millrace {

struct broker_state;

class partition_invariants {
public:
  explicit partition_invariants(sim_cluster& cluster) : cluster_(cluster) {}

  /// After a step of this actor of this node.
  void check(int32_t node, caf::actor_id actor);
  /// The node has ended: what it holds in memory is gone.
  void forget(int32_t node);

  /// What this replica has may be gone: nothing is expected of its disk until
  /// it has been counted on again, and found whole.
  void damaged(int32_t node, const topic_partition& name, const uuid& topic);
  /// The same by the log's name, `<topic>-<partition>`.
  void damaged(int32_t node, const std::string& log);
  /// The same of all that this node was counted on for.
  void wiped(int32_t node);
  [[nodiscard]] bool any_damaged() const;
  using key = std::pair<uuid, int32_t>; ///< topic id and partition

  /// The first rule that was broken, or empty.
  [[nodiscard]] const std::string& violation() const {
    return violation_;
  }
  /// Leaders that partitions have had.
  [[nodiscard]] uint64_t leaderships() const {
    return leaderships_;
  }
  /// Batches that were found the same on another replica.
  [[nodiscard]] uint64_t batches_compared() const {
    return batches_compared_;
  }

private:
  struct replica_view {
    int64_t high_watermark = 0;
    int64_t compared = 0; ///< its log agrees with what is committed up to here
    bool led = false;
    int32_t epoch = -1;
  };
  struct partition_view {
    std::string name;
    std::map<int32_t, node_id> leaders; ///< by epoch
    int64_t committed = 0;              ///< the highest high watermark
    struct batch {
      int64_t end = 0;
      uint64_t hash = 0;
    };
    std::map<int64_t, batch> batches; ///< that are committed, by base offset
    std::map<int32_t, replica_view> replicas;
    /// Up to where each node's disk was counted on.
    std::map<int32_t, int64_t> promised;
    std::set<int32_t> damaged; ///< nodes
    std::set<int32_t> gave_up; ///< nodes whose log is gone, on purpose
    int32_t newest = -1;       ///< partition epoch that somebody knows
  };

  void fail(int32_t node, const partition_view& p, const std::string& what);
  void check_replica(
    int32_t node, partition_view& p, const partition_state& state);
  static void free_others(partition_view& p, const partition_registration& now);
  void check_repair(
    int32_t node, partition_view& p, const partition_state& state);
  void check_leadership(int32_t node, partition_view& p, replica_view& r,
    const partition_state& state);
  void check_told(int32_t node, partition_view& p, const partition_state& state,
    int64_t high);
  void check_commit(int32_t node, partition_view& p,
    const partition_state& state, int64_t before);
  void compare(
    int32_t node, partition_view& p, const partition_state& state, int64_t end);
  [[nodiscard]] std::string difference(partition_view& p,
    const partition_log& log, int64_t& from, int64_t end, bool trusted);
  /// Which actors of this node are replicas.
  void learn(int32_t node, const broker_state& broker);
  void forgive(int32_t node, const broker_state& broker);
  /// The node is no replica any more; the log goes with it.
  void give_up(int32_t node, const topic_partition& name);
  /// A replica whose log is open, or null.
  [[nodiscard]] const partition_state* find(
    int32_t node, const topic_partition& name, const uuid& topic) const;

  sim_cluster& cluster_;
  std::string violation_;
  std::map<key, partition_view> partitions_;
  /// The partitions of a node, by their actor's id.
  std::map<int32_t, std::map<caf::actor_id, topic_partition>> names_;
  uint64_t leaderships_ = 0;
  uint64_t batches_compared_ = 0;
};

} // namespace millrace
