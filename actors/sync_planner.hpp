#pragma once

// Decides how what waits to be made durable is brought to disk: each log by a
// disk actor of its own, several at a time, or all that wait together by one
// sync of the volume (storage/sync_policy.hpp). Never blocks.

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "storage/sync_policy.hpp"

#include <vector>

namespace millrace {

struct sync_planner_state {
  static inline const char* name = "sync_planner";

  std::vector<disk_actor> disks;
  std::vector<size_t> under_way; ///< jobs of each disk actor
  std::vector<sync_entry> waiting;
  bool gathering = false;
  bool together_under_way = false;
  sync_policy policy;
  uint64_t device = 0; ///< what a sync of the volume covers
};

/// @param volume null where logs are always synced one by one
sync_planner_actor::behavior_type sync_planner(
  sync_planner_actor::stateful_pointer<sync_planner_state> self,
  std::vector<disk_actor> disks, std::shared_ptr<volume_sync> volume);

} // namespace millrace
