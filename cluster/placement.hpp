#pragma once

// Which brokers hold the replicas of new partitions: leaders spread evenly,
// the replicas of one partition over as many racks as there are.

#include "schema/result.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace {

/// A broker that may be given replicas.
struct usable_broker {
  node_id id;
  std::optional<std::string> rack;
};

/// Replicas of partitions [first_partition, first_partition + count), each
/// with its preferred leader first. Deterministic: the same input places the
/// same; `seed` (a hash of the topic's id) spreads the topics' first leaders.
/// Errors: invalid_argument when there are fewer brokers than replicas.
[[nodiscard]] result<std::vector<std::vector<node_id>>> place_replicas(
  std::span<const usable_broker> brokers, int32_t first_partition,
  int32_t count, int16_t replication_factor, uint64_t seed);

} // namespace millrace
