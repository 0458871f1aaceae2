#pragma once

// A node's door for transactions: asks coordinators, wherever they are, for
// the partitions that are led here, has the markers of the coordinators that
// are here written, wherever that is, and answers the same questions of other
// nodes' fronts. It knows the directory as a gateway does.

#include "actors/gateway_core.hpp"
#include "actors/interfaces.hpp"
#include "cluster/marker_queue.hpp"
#include "cluster/request_order.hpp"
#include "cluster/transaction_checks.hpp"

#include <map>
#include <memory>

namespace millrace {

struct transaction_front_state {
  static inline const char* name = "transaction_front";

  struct open_check {
    caf::strong_actor_ptr asker;
    uint64_t ticket = 0;
  };

  std::unique_ptr<gateway_core> core;
  std::shared_ptr<node_link> link;
  transaction_checks checks;
  marker_queue markers;
  request_order order;
  std::map<uint64_t, open_check> open; ///< by token
  uint64_t next_token = 1;
  std::map<uint64_t, node_id> asked; ///< whom a request of `checks` went to
  /// By partition of __transaction_state.
  std::map<int32_t, caf::strong_actor_ptr> coordinators;
  uint64_t timer = 0; ///< the generation of the timer that counts
  int64_t timer_at_ms = -1;
};

/// Ends with an exit message.
transaction_front_actor::behavior_type transaction_front(
  transaction_front_actor::stateful_pointer<transaction_front_state> self,
  gateway_wiring wiring);

} // namespace millrace
