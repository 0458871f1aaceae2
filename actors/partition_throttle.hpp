#pragma once

// A replica and its node's throttle: what it asks for, and what it has moved.
// A leader's tickets are the numbers of its followers.

#include "actors/partition.hpp"

namespace millrace {

/// Whether `pass` lets the bytes through. If not it is asked for, and
/// throttle_turn comes when it does.
[[nodiscard]] bool may_pass(
  partition_actor::stateful_pointer<partition_state> self, throttle_pass& pass,
  throttled_way way, uint64_t ticket, int64_t bytes);

/// Its turn has come: from here on `pass` is held. What was not asked for any
/// more is given back: then it is false.
[[nodiscard]] bool take_turn(
  partition_actor::stateful_pointer<partition_state> self, throttle_pass& pass,
  const throttle_turn& turn);

/// Nobody waits for this turn any more.
void give_back(partition_actor::stateful_pointer<partition_state> self,
  const throttle_turn& turn);

/// So many bytes have moved: the pass, if it is held, is used up.
void use_pass(partition_actor::stateful_pointer<partition_state> self,
  throttle_pass& pass, throttled_way way, int64_t moved);

/// Nothing has come of it so far. It stays held, and is charged for when it is
/// used.
void refund_pass(partition_actor::stateful_pointer<partition_state> self,
  throttle_pass& pass, throttled_way way);

} // namespace millrace
