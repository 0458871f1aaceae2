#pragma once

// The coordinator of the transactional ids of one __transaction_state
// partition: a thin shell around transaction_registry. At its start it replays
// the partition; what it decides is appended there with acks=all before anyone
// is answered, and before a marker is written anywhere.

#include "actors/coordinator_replay.hpp"
#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "cluster/transaction_registry.hpp"

#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

namespace millrace {

struct transaction_coordinator_options {
  int32_t partition = 0;
  /// Of the leadership that it belongs to; fences earlier coordinators.
  leader_epoch epoch{0};
  transaction_config config;
  partition_actor log;
  controller_actor controller; ///< gives producer ids out
  transaction_front_actor front;
};

struct transaction_coordinator_state {
  static inline const char* name = "transaction_coordinator";

  struct waiting_ask {
    caf::strong_actor_ptr asker;
    transaction_ask ask;
    int64_t until_ms = 0; ///< no step of its id is waited for any more
  };
  struct open_ask {
    caf::strong_actor_ptr asker;
    uint64_t ticket = 0;
  };

  environment* env = nullptr;
  transaction_coordinator_options options;
  std::unique_ptr<transaction_registry> transactions;
  coordinator_replay replay;
  bool loaded = false;
  std::deque<waiting_ask> waiting;                  ///< while it loads
  std::unordered_map<uint64_t, waiting_ask> idless; ///< wait for a producer id
  /// Wait for the next step of an id, instead of being told to come again.
  std::map<std::string, std::vector<waiting_ask>> parked;
  std::unordered_map<uint64_t, open_ask> open; ///< by token
  uint64_t next_token = 1;
  uint64_t timer = 0; ///< the generation of the timer that counts
  int64_t timer_at_ms = 0;
  int64_t next_complaint_ms = 0; ///< a full disk is logged now and then
};

transaction_coordinator_actor::behavior_type transaction_coordinator(
  transaction_coordinator_actor::stateful_pointer<transaction_coordinator_state>
    self,
  environment* env, transaction_coordinator_options options);

} // namespace millrace
