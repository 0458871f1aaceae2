#pragma once

// A partition's answers to what is not hot, and its housekeeping.

#include "actors/partition.hpp"

namespace millrace {

/// none, or why a client with this idea of the leader epoch is refused
/// (KIP-320). no_leader_epoch is always accepted.
[[nodiscard]] kafka_error check_epoch(
  const partition_state& s, leader_epoch claimed);

/// Fills `answer`. Precondition: the log is open.
void answer_question(partition_actor::stateful_pointer<partition_state> self,
  const log_ask& ask, log_answer& answer);

/// DeleteRecords: the new log start is made durable before anything goes
/// (R18), so the answer comes later. Precondition: the log is open.
void begin_deletion(
  partition_actor::stateful_pointer<partition_state> self, const log_ask& ask);
void finish_deletion(partition_actor::stateful_pointer<partition_state> self,
  const log_start_saved& saved);

/// Ends all that wait for that with `error`.
void fail_deletions(
  partition_actor::stateful_pointer<partition_state> self, kafka_error error);

/// Whether this replica may be asked: some questions are the leader's.
[[nodiscard]] bool may_answer(const partition_state& s, const log_ask& ask);

/// Rolls and removes segments that are due. Precondition: the log is open.
void keep_house(partition_actor::stateful_pointer<partition_state> self,
  const partition_tick& tick);

/// Unlinks files when nobody sends them any more (R18).
void remove_later(partition_actor::stateful_pointer<partition_state> self,
  partition_log::removal removal);

} // namespace millrace
