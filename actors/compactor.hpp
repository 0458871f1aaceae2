#pragma once

// Compacts the logs of a node, one at a time, on a thread of its own: the one
// with the largest dirty part first, and no faster than it may.

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_status.hpp"

#include <map>
#include <memory>

namespace millrace {

struct compactor_state {
  static inline const char* name = "compactor";

  environment* env = nullptr;

  struct offer {
    caf::strong_actor_ptr partition;
    double dirty_ratio = 0;
    bool overdue = false;
  };
  std::map<topic_partition, offer> offers;

  /// Whose turn it is; its job comes with its answer.
  std::optional<topic_partition> working;
  caf::strong_actor_ptr partition;
  std::shared_ptr<compaction_gate> gate;
  std::unique_ptr<compaction_job> job;

  std::shared_ptr<node_status> status;
  std::unique_ptr<offset_map> map;
  compactor_settings settings;
  uint64_t generation = 0; ///< of jobs
  int64_t may_go_on_us = 0;
};

/// Spawn through environment::spawn_blocking().
compactor_actor::behavior_type compactor(
  compactor_actor::stateful_pointer<compactor_state> self, environment* env,
  std::shared_ptr<node_status> status, compactor_settings settings);

} // namespace millrace
