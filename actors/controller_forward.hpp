#pragma once

// Questions on their way to the controller that leads, and answers back. A
// question stays open until it is answered: it is asked again when another
// controller leads, and when no answer comes.

#include "actors/controller.hpp"

namespace millrace {

/// Somebody of this node asks.
void on_admin_ask(
  controller_actor::stateful_pointer<controller_actor_state> self,
  admin_ask& ask);

/// Another node's controller asks or answers.
void on_controller_message(
  controller_actor::stateful_pointer<controller_actor_state> self,
  const from_node& from);

/// Gives an answer to whoever asked, on whichever node.
void answer_case(
  controller_actor::stateful_pointer<controller_actor_state> self,
  const admin_case& asked, admin_answer answer);

/// The node stops: asks for what it leads to be moved away.
void begin_to_leave(
  controller_actor::stateful_pointer<controller_actor_state> self);

/// Asks everything that is open again: another controller leads.
void ask_again(controller_actor::stateful_pointer<controller_actor_state> self);

/// Asks what was lost again, gives up what nobody waits for any more, and
/// tells the leading controller that this node lives.
void look_after_questions(
  controller_actor::stateful_pointer<controller_actor_state> self);

} // namespace millrace
