#pragma once

// A partition's producers: their batches are appended together and answered
// as their acks ask for.

#include "actors/partition.hpp"

namespace millrace {

/// Writes every batch that has gathered as one. What asked for acks=all is
/// parked, everything else answered.
void append_gathered(partition_actor::stateful_pointer<partition_state> self);

/// Answers what the high watermark has passed.
void answer_released(partition_actor::stateful_pointer<partition_state> self);

/// Answers all that is parked with `error`.
void fail_parked(
  partition_actor::stateful_pointer<partition_state> self, kafka_error error);

/// With fewer in-sync replicas than min.insync.replicas what waits for all
/// of them is told so (R4).
void fail_too_few(partition_actor::stateful_pointer<partition_state> self);

/// Answers what has waited for its time-out. The batches stay in the log:
/// REQUEST_TIMED_OUT says that nobody knows yet whether they will be there.
void answer_late(partition_actor::stateful_pointer<partition_state> self);

} // namespace millrace
