#pragma once

// The broker and the log directories of its node: what it tells of them, and
// how a replica's log moves from one to another. While a copy grows the log is
// in use; only its last part is copied when it is closed.

#include "actors/broker_replicas.hpp"

namespace millrace {

void on_log_dirs_ask(
  broker_actor::stateful_pointer<broker_state> self, const log_dirs_ask& ask);

/// What an earlier run has not finished begins again.
void resume_moves(broker_actor::stateful_pointer<broker_state> self);
/// The replica begins to run, or does again: its log is copied from where the
/// actor is.
void follow_move(broker_actor::stateful_pointer<broker_state> self,
  const topic_partition& name);
/// The log goes, or stays where it is.
void cancel_move(broker_actor::stateful_pointer<broker_state> self,
  const topic_partition& name);

void on_copy_progress(
  broker_actor::stateful_pointer<broker_state> self, const copy_progress& told);
void on_copy_caught_up(broker_actor::stateful_pointer<broker_state> self,
  const copy_caught_up& told, broker_news& news);
/// The replica has closed for its move: true. False: it was for another reason.
bool on_closed_for_move(broker_actor::stateful_pointer<broker_state> self,
  const partition_closed& closed);
void on_copy_ended(broker_actor::stateful_pointer<broker_state> self,
  const copy_ended& told, broker_news& news);

/// Tells the movers how fast.
void set_movers(broker_actor::stateful_pointer<broker_state> self);

} // namespace millrace
