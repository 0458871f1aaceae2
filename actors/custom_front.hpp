#pragma once

// The custom actors of a node: runs those that belong here, and is their way
// to everything else. It knows the directory as a gateway does, so it knows
// which partitions are led here: an instance of an actor that the cluster
// places runs where the partition is led that is its state's log.
//
// It passes requests of Kafka's protocol to the nodes that lead what they are
// about, answers those of other nodes as if clients had sent them, and carries
// letters between actors.

#include "actors/custom_deployments.hpp"
#include "actors/custom_messages.hpp"
#include "actors/gateway_core.hpp"
#include "actors/interfaces.hpp"

#include <map>
#include <memory>
#include <set>

namespace millrace {

struct custom_front_state {
  static inline const char* name = "custom_front";

  /// An instance that runs here.
  struct running {
    caf::strong_actor_ptr host;
    leader_epoch epoch{0}; ///< of the leadership that it belongs to
    caf::strong_actor_ptr log;
    bool ends = false;
  };
  /// One that should run here.
  struct wanted {
    const custom_deployment* deployment = nullptr;
    leader_epoch epoch{0};
    caf::strong_actor_ptr log;
  };
  /// A question that is with another node.
  struct away {
    caf::strong_actor_ptr host;
    uint64_t ticket = 0;
    int64_t until_ms = 0;
  };

  environment* env = nullptr;
  std::unique_ptr<gateway_core> core;
  std::shared_ptr<node_link> link;
  std::shared_ptr<const custom_deployments> deployments;
  std::map<actor_address, running> instances;
  std::map<actor_address, int64_t> not_before_ms; ///< after an end
  std::map<uint64_t, away> asked;                 ///< by request id
  uint64_t next_request = 1;
  std::set<node_id> nodes;      ///< as the hosts were last told
  std::set<std::string> making; ///< topics
  uint64_t turn = 0;
  int64_t turn_at_ms = -1;
};

/// Ends with an exit message, and all that runs here with it.
caf::behavior custom_front(caf::stateful_actor<custom_front_state>* self,
  environment* env, gateway_wiring wiring,
  std::shared_ptr<const custom_deployments> deployments);

} // namespace millrace
