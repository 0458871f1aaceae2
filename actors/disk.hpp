#pragma once

// The actors that wait for the disk, so that nobody else has to.

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "actors/loop_unit.hpp"

#include <vector>

namespace millrace {

struct disk_state {
  static inline const char* name = "disk";

  /// What an answer makes ready runs on this thread at once: the hand-off to
  /// another would cost as much as the sync of a fast disk. Null where there
  /// are no threads.
  std::unique_ptr<loop_unit> unit;
};

/// Who waits for one log directory's disk.
struct disk_team {
  std::vector<disk_actor> disks;
  sync_planner_actor syncs;
};

/// Spawn through environment::spawn_blocking().
/// @param volume for a sync_run of all together; only one disk actor has one
disk_actor::behavior_type disk(disk_actor::stateful_pointer<disk_state> self,
  environment* env, std::shared_ptr<volume_sync> volume);

} // namespace millrace
