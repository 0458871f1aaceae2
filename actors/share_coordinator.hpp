#pragma once

// The coordinator of the share partitions of one __share_group_state
// partition: a thin shell around share_state_registry. At its start it replays
// the partition; what it decides is appended there with acks=all before anyone
// is answered. What nobody needs of the log any more it deletes.

#include "actors/coordinator_replay.hpp"
#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "cluster/share_state_registry.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace millrace {

struct share_coordinator_options {
  int32_t partition = 0;
  share_state_config config;
  partition_actor log;
};

struct share_coordinator_state {
  static inline const char* name = "share_coordinator";

  struct waiting_ask {
    caf::strong_actor_ptr asker;
    share_state_ask ask;
  };
  struct open_ask {
    caf::strong_actor_ptr asker;
    uint64_t ticket = 0;
  };

  environment* env = nullptr;
  share_coordinator_options options;
  std::unique_ptr<share_state_registry> states;
  coordinator_replay replay;
  bool loaded = false;
  std::deque<waiting_ask> waiting;             ///< while it loads
  std::set<uuid> topics;                       ///< that there are
  std::unordered_map<uint64_t, open_ask> open; ///< by token
  uint64_t next_token = 1;
  offset deleted_end{0};         ///< of the log, or on its way
  int64_t next_complaint_ms = 0; ///< a full disk is logged now and then
};

share_coordinator_actor::behavior_type share_coordinator(
  share_coordinator_actor::stateful_pointer<share_coordinator_state> self,
  environment* env, share_coordinator_options options);

} // namespace millrace
