#pragma once

// The coordinator of the groups of one __consumer_offsets partition: a thin
// shell around group_registry. At its start it replays the partition; what
// it decides is appended there with acks=all before anyone is answered.

#include "actors/environment.hpp"
#include "actors/image_keeper.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_status.hpp"
#include "cluster/group_registry.hpp"

#include <deque>

namespace millrace {

struct group_coordinator_options {
  int32_t partition = 0;
  /// Whose log it is: an image of another topic's is thrown away (R21).
  uuid topic_id;
  group_config config;
  partition_actor log;
  std::shared_ptr<node_status> status;
  image_keeper_actor keeper;
  transaction_front_actor transactions;
  share_front_actor shares;
};

struct group_coordinator_state {
  static inline const char* name = "group_coordinator";

  environment* env = nullptr;
  group_coordinator_options options;
  std::unique_ptr<group_registry> groups;
  std::shared_ptr<const topic_view> topics; ///< null: not told yet
  group_overrides overrides;
  bool loaded = false;
  offset next_to_replay{0};
  offset replay_from{0};
  /// Everything below is applied, and so in the changes for the image.
  offset applied_end{0};
  offset saved_end{0};
  std::vector<std::string> image_keys; ///< of the image that was there

  /// What is on its way into the log.
  struct append {
    int64_t records = 0;
    caf::strong_actor_ptr asker; ///< of a marker, or null
    uint64_t ticket = 0;         ///< its
  };
  std::map<uint64_t, append> appending; ///< by append id

  // While it loads.
  struct waiting_ask {
    caf::strong_actor_ptr asker;
    group_ask ask;
  };
  std::deque<waiting_ask> waiting;
  struct waiting_marker {
    caf::strong_actor_ptr asker;
    produce_entry entry;
  };
  std::deque<waiting_marker> waiting_markers;
  std::vector<std::string> topics_gone_early;

  /// Offsets of a transaction, until its coordinator lets this log in.
  struct checked_ask {
    caf::strong_actor_ptr asker;
    group_ask ask;
    transaction_check question;
    bool ended = false; ///< by a marker since
  };
  std::map<uint64_t, checked_ask> checks; ///< by ticket
  uint64_t next_check = 1;

  struct open_ask {
    caf::strong_actor_ptr asker;
    uint64_t ticket = 0;
  };
  std::unordered_map<uint64_t, open_ask> open; ///< by token
  uint64_t next_token = 1;
  uint64_t timer = 0; ///< the generation of the timer that counts
  int64_t timer_at_ms = 0;
  int64_t next_complaint_ms = 0; ///< a full disk is logged now and then
};

group_coordinator_actor::behavior_type group_coordinator(
  group_coordinator_actor::stateful_pointer<group_coordinator_state> self,
  environment* env, group_coordinator_options options);

} // namespace millrace
