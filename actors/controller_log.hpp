#pragma once

// The controller as the state machine of the metadata log.

#include "actors/controller.hpp"

namespace millrace {

void on_log_committed(
  controller_actor::stateful_pointer<controller_actor_state> self,
  const log_committed& news);

void subscribe(controller_actor::stateful_pointer<controller_actor_state> self);

/// The image goes into the store: what changed, a while after it did.
void save_now(controller_actor::stateful_pointer<controller_actor_state> self);
void on_saved(controller_actor::stateful_pointer<controller_actor_state> self,
  uint64_t ticket);

/// A snapshot that this node has received.
void install(controller_actor::stateful_pointer<controller_actor_state> self,
  const install_state& snapshot);

} // namespace millrace
