#pragma once

// The actors that wait for the disk, so that nobody else has to.

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"

namespace millrace {

struct disk_state {
  static inline const char* name = "disk";
};

/// Spawn through environment::spawn_blocking().
/// @param volume for a sync_run of all together; only one disk actor has one
disk_actor::behavior_type disk(disk_actor::stateful_pointer<disk_state> self,
  environment* env, std::shared_ptr<volume_sync> volume);

} // namespace millrace
