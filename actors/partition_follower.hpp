#pragma once

// A follower and its leader. It asks for what follows the end of its log, and
// goes on asking while its own sync runs; each message tells both ends (R2).
// Where the logs part it cuts its own, by epoch (R11), and asks again. Nothing
// that comes in is believed: what does not fit is dropped (R12).

#include "actors/partition.hpp"

namespace millrace {

/// As far as this replica has heard.
[[nodiscard]] bool is_in_sync(const partition_state& s);

/// Whether consumers may read here (KIP-392): what lies below the high
/// watermark is the leader's, and stays.
[[nodiscard]] bool may_serve(const partition_state& s);

/// Precondition: the log is open, and the registration names another leader.
void begin_following(partition_actor::stateful_pointer<partition_state> self);

/// Precondition of all that follow: this replica follows. The answer is of
/// this leadership.
void on_replica_answer(partition_actor::stateful_pointer<partition_state> self,
  const replica_answer& answer);

/// The leader has not heard from this replica, or the way to it is new.
void on_nudge(partition_actor::stateful_pointer<partition_state> self);

/// The registration is another one, of the same leadership.
void on_leader_isr_changed(
  partition_actor::stateful_pointer<partition_state> self);

/// Its log is damaged: it says so, and fetches what is lost again (R10).
void on_damage(partition_actor::stateful_pointer<partition_state> self);

/// The throttle lets it ask its leader.
void on_asking_turn(partition_actor::stateful_pointer<partition_state> self,
  const throttle_turn& turn);

/// A consumer waits here: the leader is to know, if it does not yet.
void tell_waited_for(partition_actor::stateful_pointer<partition_state> self);

/// A sync has ended well.
void tell_durable(partition_actor::stateful_pointer<partition_state> self);

/// The broker's answer: the log may be cut.
void on_hints_saved(partition_actor::stateful_pointer<partition_state> self,
  const hints_saved& saved);

/// Asks again if nothing was heard for too long.
void look_after_leader(partition_actor::stateful_pointer<partition_state> self);

} // namespace millrace
