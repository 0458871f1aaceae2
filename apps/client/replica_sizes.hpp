#pragma once

// How many bytes each node has of a partition.

#include "apps/client/cluster.hpp"

#include <map>
#include <optional>
#include <set>

namespace millrace::client {

using replica_sizes = std::map<topic_partition, std::map<node_id, int64_t>>;

/// Of these partitions (none: of all), as the live nodes tell. What a node
/// that does not answer has is left out.
[[nodiscard]] replica_sizes find_replica_sizes(
  cluster& nodes, const std::optional<std::set<topic_partition>>& wanted);

} // namespace millrace::client
