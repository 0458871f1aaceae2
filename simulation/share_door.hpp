#pragma once

// What a member of a share group does at one node that leads partitions
// (KIP-932): it opens a share session, fetches, acknowledges what it was given
// in every way there is, or not at all, and closes the session now and then.

#include "schema/kafka/share_acknowledge.hpp"
#include "schema/kafka/share_fetch.hpp"
#include "simulation/cluster_client.hpp"
#include "simulation/share_book.hpp"

#include <set>

namespace millrace {

/// What the members of a share group have in common.
struct share_group_run {
  cluster_clients& all;
  share_book book;
  std::string name = "sharers";
  uuid topic = {};    ///< the run's, once a member has been assigned some of it
  uint64_t given = 0; ///< records, as often as they were
};

/// A node's replica.
struct known_replica {
  int32_t epoch = -1; ///< of the leader, as it knows it; -1: there is none
  uint64_t actor = 0;
};
[[nodiscard]] known_replica replica_at(
  sim_cluster& cluster, int32_t node, const topic_partition& name);

class share_door {
public:
  /// @param client outlives it
  share_door(share_group_run& group, cluster_client& client, std::string member,
    int32_t node);
  ~share_door();
  share_door(const share_door&) = delete;
  share_door& operator=(const share_door&) = delete;

  /// One request, unless the last one is not answered yet: for records of
  /// these partitions, with what is to be said of earlier ones.
  void turn(const std::set<int32_t>& partitions);

private:
  /// Records that it was given and has not spoken of.
  struct hold {
    int32_t partition = 0;
    int64_t first = 0;
    std::vector<int8_t> types; ///< what it will say of each
    sim_time due = 0;
  };
  /// What a request says of a partition.
  struct said {
    std::vector<size_t> numbers; ///< in the book
    share_leadership leader;
  };
  using said_map = std::map<int32_t, said>;

  void open();
  void close();
  void fetch(const std::set<int32_t>& partitions, bool ends);
  void acknowledge(bool renews);
  /// Moves what is due into a request, sorted by partition.
  template <class Topics>
  [[nodiscard]] said_map say(Topics& topics, bool renews);
  void take_fetched(const kafka::share_fetch_response* response,
    const said_map& spoken, const std::map<int32_t, known_replica>& replicas,
    sim_time asked);
  void take_records(const kafka::share_fetch_response::partition_data& p,
    const known_replica& before, sim_time asked);
  void hear(const said_map& spoken, int32_t partition, kafka_error error);
  void hear_nothing(const said_map& spoken);
  /// Returns whether the session goes on.
  [[nodiscard]] bool goes_on(int16_t error, sim_time asked);
  [[nodiscard]] std::vector<int8_t> some_types(size_t count);
  [[nodiscard]] known_replica replica_of(int32_t partition) const;
  /// Where the group begins, as the leader knows it; 0: it does not.
  [[nodiscard]] int64_t start_of(int32_t partition) const;

  share_group_run& group_;
  cluster_client& client_;
  std::string member_;
  int32_t node_;
  int32_t epoch_ = 0; ///< of the session; 0: there is none
  share_book::session session_ = 0;
  std::set<int32_t> named_; ///< partitions of the session
  std::vector<hold> holds_;
  bool is_out_ = false; ///< a request is not answered
};

} // namespace millrace
