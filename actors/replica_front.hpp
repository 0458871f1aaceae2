#pragma once

// The front of a node's partitions towards other nodes: the one actor that is
// bound to the conversation `replica`. It decodes what comes in and hands it
// to the partition that it is about. What nobody here is concerned with is
// dropped, as if it were lost on the way.

#include "actors/interfaces.hpp"

#include <map>
#include <utility>

namespace millrace {

struct replica_front_state {
  static inline const char* name = "replica_front";

  /// By topic and index.
  std::map<std::pair<uuid, int32_t>, caf::strong_actor_ptr> places;
  std::map<node_id, int64_t> next_complaint_ms;
};

replica_front_actor::behavior_type replica_front(
  replica_front_actor::stateful_pointer<replica_front_state> self);

} // namespace millrace
