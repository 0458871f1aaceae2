#pragma once

// A partition and the compactor: when its log is offered, what it gives away,
// and what comes back.

#include "actors/partition.hpp"

namespace millrace {

/// Offers the log, if it is worth it. Followers compact theirs as well.
/// @param now_ms a wall clock that is trusted (R19)
void offer_compaction(
  partition_actor::stateful_pointer<partition_state> self, int64_t now_ms);

/// While it is held nothing is compacted. Ends a job that runs: nothing of
/// what it has not swapped in counts.
void hold_compacting(
  partition_actor::stateful_pointer<partition_state> self, bool held);

/// The compactor's turn: gives it what is to be done.
void begin_compaction(partition_actor::stateful_pointer<partition_state> self);
void swap_compacted(partition_actor::stateful_pointer<partition_state> self,
  const compaction_swap& swap);
void end_compaction(partition_actor::stateful_pointer<partition_state> self,
  const compaction_over& over);

} // namespace millrace
