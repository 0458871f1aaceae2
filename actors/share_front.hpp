#pragma once

// A node's door to share coordinators: partitions and groups of this node ask
// it about share partitions, and it asks the node that leads the partition of
// __share_group_state which keeps them, in Kafka's own requests (83-87). It
// answers other nodes' fronts likewise, as if they were clients.

#include "actors/gateway_core.hpp"
#include "actors/interfaces.hpp"
#include "cluster/request_order.hpp"

#include <functional>
#include <map>
#include <memory>

namespace millrace {

struct share_front_state {
  static inline const char* name = "share_front";

  using answer_function = std::function<void(share_state_answer)>;

  /// A question that another node, or this one, is being asked.
  struct open_question {
    share_state_question question;
    answer_function done; ///< called once
    node_id to = no_node;
    int64_t until_ms = 0;
    int64_t early_until_ms = 0; ///< until when it may be asked again
  };

  /// One whose coordinator is not there yet, and is asked again.
  struct early_question {
    share_state_question question;
    answer_function done;
    int64_t early_until_ms = 0;
  };

  std::unique_ptr<gateway_core> core;
  std::shared_ptr<node_link> link;
  request_order order;
  std::map<uint64_t, open_question> open; ///< by request id, the oldest first
  /// One at most of each share partition, whose other questions are refused
  /// meanwhile: they are not to be answered before it.
  std::map<share_partition_key, early_question> early;
  int64_t early_again_ms = 0;
  int64_t early_wait_ms = 0; ///< doubles with each time
  uint64_t next_request = 1;
  int64_t topic_again_ms = 0;
  uint64_t timer = 0; ///< the generation of the timer that counts
  int64_t timer_at_ms = -1;
};

/// Ends with an exit message.
share_front_actor::behavior_type share_front(
  share_front_actor::stateful_pointer<share_front_state> self,
  gateway_wiring wiring);

} // namespace millrace
