#pragma once

// How a group coordinator comes to know its groups: the image, then what its
// log holds behind that; and how the image follows. Of
// actors/group_coordinator.

#include "actors/group_coordinator.hpp"

namespace millrace {

using group_coordinator_pointer
  = group_coordinator_actor::stateful_pointer<group_coordinator_state>;

/// The first step, from an empty registry; begin_replay() is the next one.
void ask_for_image(group_coordinator_pointer self);

/// Takes over what the image holds, or throws it away if it is of another log
/// (R21), and asks the log for what comes behind.
void begin_replay(group_coordinator_pointer self, const image_pairs& image);

/// Asks the log for more.
void replay_some(group_coordinator_pointer self);

/// Applies what the log has given, and asks for more. True once there is no
/// more, so that the registry holds all that is committed; a log that cannot
/// be read ends the actor.
[[nodiscard]] bool on_bytes(
  group_coordinator_pointer self, const log_answer& answer);

/// Writes down what has been applied since the last time.
void save_image(group_coordinator_pointer self);

} // namespace millrace
