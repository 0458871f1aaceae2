#pragma once

// Whether a replica leads or follows. Roles change only by what the
// controller has committed, and each leadership has an epoch of its own: what
// belongs to another one is not listened to.

#include "actors/partition.hpp"

namespace millrace {

/// What the controller has decided. An older decision changes nothing.
void on_assigned(partition_actor::stateful_pointer<partition_state> self,
  const partition_assigned& assigned);

/// Begins to lead or to follow, as the registration says.
/// Precondition: the log is open, and has no role.
void take_role(partition_actor::stateful_pointer<partition_state> self);

void on_replica(partition_actor::stateful_pointer<partition_state> self,
  const from_replica& in);

/// The throttle lets something through.
void on_turn(partition_actor::stateful_pointer<partition_state> self,
  const throttle_turn& turn);

/// Sees to it that on_replica_timer() runs at `at_ms` (monotonic) or before.
void arm_replica_timer(
  partition_actor::stateful_pointer<partition_state> self, int64_t at_ms);
void on_replica_timer(partition_actor::stateful_pointer<partition_state> self,
  const replica_timer& timer);

/// The node can be reached from now on: what was under way is lost.
void on_link_up(
  partition_actor::stateful_pointer<partition_state> self, node_id node);

/// Sends to another replica of this partition.
void say(partition_actor::stateful_pointer<partition_state> self, node_id to,
  replica_body body);

} // namespace millrace
