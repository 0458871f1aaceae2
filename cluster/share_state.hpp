#pragma once

// What the leader of a partition and the share coordinator tell one another
// of a share partition (KIP-932): a group's progress through one partition.

#include "schema/types.hpp"

#include <cstdint>
#include <vector>

namespace millrace {

/// Records that are in the same state. Kafka's codes: 0 available,
/// 2 acknowledged, 4 archived.
struct share_state_batch {
  offset first;
  offset last; ///< inclusive
  int8_t delivery_state = 0;
  int16_t delivery_count = 0;

  bool operator==(const share_state_batch&) const = default;
};

/// All that is durable of a share partition.
struct share_partition_snapshot {
  int32_t state_epoch = 0;
  int32_t leader_epoch = 0;
  offset start; ///< -1: where share.auto.offset.reset says
  int32_t delivery_complete_count = -1; ///< -1: unknown
  std::vector<share_state_batch> batches;

  bool operator==(const share_partition_snapshot&) const = default;
};

} // namespace millrace
