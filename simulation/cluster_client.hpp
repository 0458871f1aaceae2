#pragma once

// A client of a simulated cluster: asks any node who leads, asks leaders for
// the rest, and never goes back to a leader older than one that it has known
// (KIP-320).

#include "simulation/sim_client.hpp"
#include "simulation/sim_cluster.hpp"
#include "simulation/sim_history.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace millrace {

/// What the clients of a run share.
struct cluster_clients {
  cluster_clients(sim_cluster& cluster, sim_history& history);

  sim_cluster& cluster;
  sim_world& world;
  sim_history& history;
  std::vector<std::unique_ptr<sim_link>> links; ///< one for each node
  std::string topic = "events";
  int32_t partitions = 3;
  uint64_t acknowledged = 0;   ///< of every kind
  uint64_t moves = 0;          ///< leaders that a client found elsewhere
  uint64_t follower_reads = 0; ///< fetches there that brought records
  bool stopping = false;       ///< start nothing new

  /// Calls `what` within `ms_max`.
  void later(int64_t ms_max, std::function<void()> what);
};

class cluster_client {
public:
  /// Of the run's topic.
  explicit cluster_client(cluster_clients& all);
  cluster_client(cluster_clients& all, std::string topic);

  struct lead {
    int32_t node = -1; ///< its index, or unknown
    int32_t epoch = -1;
  };

  [[nodiscard]] lead leader_of(int32_t partition) const;
  /// Calls `then` with the leader, asking for it first if it is not known;
  /// `then` may get one that is unknown.
  void with_leader(int32_t partition, std::function<void(lead)> then);
  /// A node has answered that it does not lead, or not at all.
  void forget(int32_t partition);
  /// Some node that takes any request.
  [[nodiscard]] int32_t any_node();
  /// Index of a node by its id and host, as an answer named it.
  [[nodiscard]] int32_t index_of(int32_t id, const std::string& host);

  /// Asks some node, once; that makes the coordinator's topic. `done` gets its
  /// index, or -1 and why it is not known.
  /// @param key_type as in FindCoordinator: 0 a group, 1 a transactional id
  void find_coordinator(int8_t key_type, const std::string& key,
    std::function<void(int32_t, const std::string&)> done);

  template <class Response, class Request>
  void request(int32_t node, kafka::api_key key, int16_t version,
    const Request& body, std::function<void(const Response*)> done) {
    connection_to(node).template request<Response>(
      key, version, body, std::move(done));
  }

private:
  sim_client& connection_to(int32_t node);
  void refresh(std::function<void()> done);

  cluster_clients& all_;
  std::string topic_;
  std::map<int32_t, std::unique_ptr<sim_client>> connections_;
  std::map<int32_t, lead> leads_; ///< by partition
};

} // namespace millrace
