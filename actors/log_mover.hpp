#pragma once

// Copies logs into one log directory of a node (storage/log_copy.hpp), one
// after the other, on a thread of its own, and no faster than it may. Only what
// is committed is copied while a log is in use; the broker has it closed for
// the rest.

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "storage/log_copy.hpp"

#include <deque>
#include <optional>

namespace millrace {

struct log_mover_state {
  static inline const char* name = "log_mover";

  environment* env = nullptr;
  log_mover_settings settings;

  struct job {
    copy_log order;
    caf::strong_actor_ptr asker;
  };
  std::deque<job> waiting;
  std::optional<job> working;
  std::optional<log_copy> copy;
  offset begin{0};         ///< where the log begins, as far as is known
  bool caught_up = false;  ///< the broker is to close the log
  bool asked = false;      ///< the partition is to answer
  uint64_t generation = 0; ///< of jobs: the ticket of what is asked
  int64_t may_go_on_us = 0;
};

/// Spawn through environment::spawn_blocking().
log_mover_actor::behavior_type log_mover(
  log_mover_actor::stateful_pointer<log_mover_state> self, environment* env,
  log_mover_settings settings);

} // namespace millrace
