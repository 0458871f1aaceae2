#pragma once

// A leader and its followers: what they fetch, how far they are, and who of
// them is in sync. A follower's fetch that finds nothing is parked, so that
// an idle partition says nothing; what is appended leaves at once, before the
// leader's own sync (R2).

#include "actors/partition.hpp"

namespace millrace {

/// Precondition: the log is open, and the registration names this node.
void begin_leading(partition_actor::stateful_pointer<partition_state> self);

/// Precondition of all that follow: this replica leads.
void on_replica_fetch(partition_actor::stateful_pointer<partition_state> self,
  node_id from, const replica_fetch& fetch);

/// Answers the fetches that wait and have something to hear.
void serve_followers(partition_actor::stateful_pointer<partition_state> self);
/// The bytes for this follower are in memory.
void on_replica_warm(
  partition_actor::stateful_pointer<partition_state> self, node_id follower);

/// The throttle lets something through to a follower.
void on_shipping_turn(partition_actor::stateful_pointer<partition_state> self,
  const throttle_turn& turn);

/// The registration is another one, of the same leadership; or the settings.
void on_isr_changed(partition_actor::stateful_pointer<partition_state> self);

/// The controller's answer to a proposed ISR.
void on_isr_answer(partition_actor::stateful_pointer<partition_state> self,
  const admin_answer& answer);

/// Nudges who is behind and silent, proposes who is in sync, and sets the
/// timer for the next look if there is a reason for one.
void look_after_followers(
  partition_actor::stateful_pointer<partition_state> self);

} // namespace millrace
