#pragma once

// Administration of nodes and of the replicas on them.

#include "apps/client/cluster.hpp"
#include "cluster/replica_moves.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace millrace::client {

struct known_node {
  int32_t id = 0;
  std::string address;
  std::string rack;
  bool fenced = false; ///< registered, but shut out: dead, or starting
};

[[nodiscard]] result<std::string> find_cluster_id(cluster& nodes);

/// All registered nodes, by id. Errors of all: those of the server with its
/// sentence; offline.
[[nodiscard]] result<std::vector<known_node>> list_nodes(cluster& nodes);

/// Who keeps the metadata, as the one that leads it sees them.
struct quorum_state {
  struct member {
    int32_t id = 0;
    uuid directory;
    bool votes = false;
    int64_t lag = 0;        ///< committed entries that it lacks
    int64_t silent_ms = -1; ///< since it was heard of; -1: never
    std::string address;    ///< where nodes reach it; empty: not known
  };
  int32_t leader = -1;
  int32_t epoch = 0;
  int64_t committed = 0;
  std::vector<member> members; ///< by id

  [[nodiscard]] const member* find(int32_t id) const;
};
/// @param timeout_ms without a leader there is no answer
[[nodiscard]] result<quorum_state> describe_quorum(
  cluster& nodes, int timeout_ms = 10'000);

/// Gives a node a vote on the metadata. already_exists if it has one.
[[nodiscard]] result<void> add_voter(
  cluster& nodes, int32_t id, const uuid& directory);
[[nodiscard]] result<void> remove_voter(
  cluster& nodes, int32_t id, const uuid& directory);
/// Takes a node off the list. not_found if it is not on it.
[[nodiscard]] result<void> unregister_node(cluster& nodes, int32_t id);
/// Another voter leads the metadata. offline if none can.
[[nodiscard]] result<void> hand_over_metadata(cluster& nodes);

/// Starts the moves; those that the server refuses, with the reason.
[[nodiscard]] result<std::map<topic_partition, std::string>> start_moves(
  cluster& nodes, const std::vector<replica_move>& moves);
/// The partitions whose replicas are on the move: from what each has without
/// the move, to what it will have.
[[nodiscard]] result<std::map<topic_partition, replica_move>> open_moves(
  cluster& nodes);
/// The partitions have what they had before; those that the server refuses,
/// with the reason. What is done by then stays done, and is no refusal.
[[nodiscard]] result<std::map<topic_partition, std::string>> cancel_moves(
  cluster& nodes, const std::vector<replica_move>& moves);
/// The first replicas of these partitions lead, where they are in sync.
/// Returns those that they do not lead, with the reason.
[[nodiscard]] result<std::map<topic_partition, std::string>> elect_preferred(
  cluster& nodes, const std::set<topic_partition>& partitions);

} // namespace millrace::client
