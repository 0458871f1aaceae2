#pragma once

// A partition's readers: they get slices of its files, wait for more, and
// never make an event loop wait for the disk.

#include "actors/partition.hpp"

namespace millrace {

/// Answers now, or, what is not in memory, when a disk actor has read it.
/// What found too little is told when there is more.
void on_fetch(partition_actor::stateful_pointer<partition_state> self,
  const fetch_asks& message);

/// Whether sending these would have to wait for the disk.
[[nodiscard]] bool is_cold(const std::vector<file_slice>& slices);

/// The bytes of that question are in memory.
void on_warm(
  partition_actor::stateful_pointer<partition_state> self, uint64_t ticket);

/// Tells everyone who waits that the high watermark has moved.
void wake_waiters(partition_actor::stateful_pointer<partition_state> self);

} // namespace millrace
