#pragma once

// A partition and its disk: opening the log, when it is synced, and what
// moves when it was.

#include "actors/partition.hpp"
#include "actors/tell.hpp"

namespace millrace {

/// The broker keeps what it is told on disk, and waits for that: not on the
/// thread of whoever runs this partition.
template <class T>
void tell_broker(
  partition_actor::stateful_pointer<partition_state> self, T message) {
  tell(self->state.options.broker, std::move(message),
    caf::strong_actor_ptr{self->ctrl()}, nullptr);
}

/// Opens the log when it is first needed, and takes up the replica's role.
/// False if the log cannot be used.
bool ensure_open(partition_actor::stateful_pointer<partition_state> self);

/// Whether the page cache counts as durable.
[[nodiscard]] bool is_durable_by_system(const partition_state& s);

/// Takes the log's positions into account, and releases what waited for the
/// high watermark. Precondition: this replica leads.
void advance(partition_actor::stateful_pointer<partition_state> self);

void note_unsynced(partition_state& s, int64_t bytes);
/// The log was cut, and all that is left of it is durable.
void forget_unsynced(partition_state& s);

/// Makes all that is written durable, unless that is under way.
void start_sync(partition_actor::stateful_pointer<partition_state> self);

/// The same, if there is anything.
void sync_what_is_left(partition_actor::stateful_pointer<partition_state> self);

/// Whether somebody waits for what is written to be on disk: here, or at a
/// follower of this leader.
[[nodiscard]] bool is_waited_for(const partition_state& s);

/// Syncs now if somebody waits, else within the delay that R8 allows.
void schedule_sync(partition_actor::stateful_pointer<partition_state> self);

/// Whether more is to be written only after a sync, which is then begun.
[[nodiscard]] bool must_sync_first(
  partition_actor::stateful_pointer<partition_state> self);

/// Tells the broker how the log is. Precondition: it is open.
void report_state(partition_actor::stateful_pointer<partition_state> self);

/// The sync planner's answer.
void on_synced(partition_actor::stateful_pointer<partition_state> self,
  const sync_done& done);

} // namespace millrace
