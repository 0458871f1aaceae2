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
  /// Other nodes have the log too, and images of their own: it is not
  /// trimmed, as each image covers something else.
  bool replicated = false;
  /// The log is trimmed when the image covers so many records more.
  int64_t trim_records_min = 100'000;
};

struct group_coordinator_state {
  static inline const char* name = "group_coordinator";

  environment* env = nullptr;
  group_coordinator_options options;
  std::unique_ptr<group_registry> groups;
  bool loaded = false;
  offset next_to_replay{0};
  offset replay_from{0};
  /// Everything below is applied, and so in the changes for the image.
  offset applied_end{0};
  offset saved_end{0};
  offset durable_image_end{0};           ///< the log is not needed below
  offset trimmed_end{0};                 ///< the log was asked to go below
  std::vector<std::string> image_keys;   ///< of the image that was there
  std::map<uint64_t, int64_t> appending; ///< records by append id

  struct waiting_ask {
    caf::strong_actor_ptr asker;
    group_ask ask;
  };
  std::deque<waiting_ask> waiting; ///< while it loads

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
