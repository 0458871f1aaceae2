#pragma once

// The throttle of moves: the same configuration that Kafka's own tool sets and
// takes off (KIP-73), so that either can end what the other has begun.

#include "apps/client/cluster.hpp"
#include "cluster/replica_moves.hpp"

#include <set>
#include <string>
#include <vector>

namespace millrace::client {

/// From here on no live node sends or takes more than that a second for the
/// sake of these moves. Errors: those of the server with its sentence.
[[nodiscard]] result<void> set_throttle(
  cluster& nodes, const std::vector<replica_move>& moves, int64_t bytes_per_s);

/// Takes it off all live nodes and these topics, whoever has set it.
[[nodiscard]] result<void> clear_throttle(
  cluster& nodes, const std::set<std::string>& topics);

/// What of the topic's moves is throttled, as its configuration says it.
struct throttle_lists {
  std::string leaders;   ///< replicas that the data may come from
  std::string followers; ///< those that it goes to
};
[[nodiscard]] std::map<std::string, throttle_lists> throttle_lists_of(
  const std::vector<replica_move>& moves);

} // namespace millrace::client
