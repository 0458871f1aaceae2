#pragma once

// Moves of replicas as the requests that carry them out, whoever sends them.

#include "cluster/replica_moves.hpp"
#include "schema/kafka/alter_partition_reassignments.hpp"
#include "schema/kafka/elect_leaders.hpp"

#include <vector>

namespace millrace {

[[nodiscard]] kafka::alter_partition_reassignments_request request_moves(
  const std::vector<replica_move>& moves);

/// The partitions are to have what they had before.
[[nodiscard]] kafka::alter_partition_reassignments_request request_no_moves(
  const std::vector<replica_move>& moves);

/// The first replica of each is to lead.
[[nodiscard]] kafka::elect_leaders_request request_first_leaders(
  const std::vector<topic_partition>& partitions);

} // namespace millrace
