#pragma once

// The controller that leads: decides, proposes, answers when it is committed.

#include "actors/controller.hpp"

namespace millrace {

/// Somebody leads now, or nobody that is known.
void on_role(controller_actor::stateful_pointer<controller_actor_state> self,
  const role_changed& role);

/// The image has applied everything up to `last`.
void on_applied(controller_actor::stateful_pointer<controller_actor_state> self,
  const raft_entry& last);

/// The consensus actor's answer to a proposal.
void on_placed(controller_actor::stateful_pointer<controller_actor_state> self,
  const placed& where);

/// Answers what somebody has asked, and keeps the answer for a repetition.
void settle_case(
  controller_actor::stateful_pointer<controller_actor_state> self,
  const admin_case& asked, admin_answer answer);

/// Decides it as soon as nothing is under way. Precondition: this node leads.
void take_case(controller_actor::stateful_pointer<controller_actor_state> self,
  admin_case question);

/// Balances the nodes, or says what that would take, if it is time to.
void look_after_balance(
  controller_actor::stateful_pointer<controller_actor_state> self);

/// Shuts brokers out that have not been heard of.
void look_after_brokers(
  controller_actor::stateful_pointer<controller_actor_state> self);

/// A broker's process has ended, or the link says so without cause: it is
/// shut out at once, and comes back with its next heartbeat.
void on_link(controller_actor::stateful_pointer<controller_actor_state> self,
  const link_change& change);

} // namespace millrace
