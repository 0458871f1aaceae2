#pragma once

// What keeps copies of replicas from taking all that a node's disks and links
// have (KIP-73): one queue for what leaders here send, one for what followers
// here take. Only replicas that are not in sync, and that their topics name,
// ask here; the others never wait.

#include "actors/interfaces.hpp"
#include "cluster/throttle_queue.hpp"

#include <map>

namespace millrace {

struct throttle_state {
  static inline const char* name = "throttle";

  struct waiting {
    caf::strong_actor_ptr asker;
    uint64_t ticket = 0; ///< the asker's
  };
  struct way {
    throttled_way which;
    throttle_queue queue;
    std::map<uint64_t, waiting> askers; ///< by the queue's tickets
  };
  way leading{throttled_way::leading, {}, {}};
  way following{throttled_way::following, {}, {}};
  uint64_t next_ticket = 0;
  uint64_t timer_generation = 0;
  int64_t timer_at_us = 0; ///< 0: not set
};

throttle_actor::behavior_type throttle(
  throttle_actor::stateful_pointer<throttle_state> self);

} // namespace millrace
