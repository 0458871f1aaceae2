#pragma once

// The controller: decides every change of the metadata, gets it committed by
// the consensus actor, and tells everyone who holds an image. Requests that
// come while a proposal is under way wait for it and are then decided
// together, on the state that includes it.

#include "actors/environment.hpp"
#include "actors/image_keeper.hpp"
#include "actors/interfaces.hpp"
#include "cluster/controller_state.hpp"
#include "cluster/metadata_image_store.hpp"

#include <deque>

namespace millrace {

struct controller_options {
  std::shared_ptr<const node_config> config;
  metadata_image image; ///< everything that the log holds, applied
  /// What the store's image lacks of it: the next one is saved with a head
  /// that says that nothing is lacking.
  metadata_image_changes unsaved;
  uuid log_id;
  uint64_t term = 0;
  consensus_actor consensus;
  image_keeper_actor keeper;
};

struct controller_actor_state {
  static inline const char* name = "controller";

  environment* env = nullptr;
  controller_options options;
  std::optional<controller_state> core;
  metadata_image_changes unsaved;

  struct waiting_ask {
    caf::strong_actor_ptr asker;
    admin_ask ask;
  };
  std::deque<waiting_ask> waiting;

  struct parked_answer {
    caf::strong_actor_ptr asker;
    admin_answer answer;
  };
  std::vector<parked_answer> parked;        ///< of the proposal under way
  std::vector<committed_command> proposing; ///< empty: none under way
  std::vector<caf::strong_actor_ptr> new_subscribers;
  std::vector<caf::strong_actor_ptr> subscribers;

  // Producer ids that are allocated to this node and not yet given (R14).
  int64_t next_producer_id = 0;
  int64_t producer_id_end = 0;
  bool save_armed = false;
};

controller_actor::behavior_type controller(
  controller_actor::stateful_pointer<controller_actor_state> self,
  environment* env, controller_options options);

} // namespace millrace
