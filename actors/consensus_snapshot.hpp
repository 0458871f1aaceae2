#pragma once

// A member's snapshots: taken by the state machine, sent in chunks, received
// and installed (Raft §7).

#include "actors/consensus.hpp"

namespace millrace {

/// What the core wants done about snapshots.
void on_snapshot_actions(
  consensus_actor::stateful_pointer<consensus_state> self,
  const raft_actions& actions);

/// The state machine's answers.
void on_state_told(consensus_actor::stateful_pointer<consensus_state> self,
  const state_told& state_now);
void on_state_installed(
  consensus_actor::stateful_pointer<consensus_state> self);

/// The disk's answer.
void on_log_dropped(consensus_actor::stateful_pointer<consensus_state> self,
  const log_dropped& done);

/// A snapshot that nobody has asked for in a while takes memory for nothing.
void forget_old_snapshot(
  consensus_actor::stateful_pointer<consensus_state> self);

} // namespace millrace
