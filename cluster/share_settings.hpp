#pragma once

// What a share group's configuration says to those who lead its partitions.

#include "cluster/share_partition.hpp"

#include <cstdint>

namespace millrace {

/// Where a group begins in a partition that it has never read
/// (share.auto.offset.reset).
enum class share_offset_reset : uint8_t { latest, earliest, by_duration };

struct share_settings {
  share_limits limits;
  share_offset_reset reset = share_offset_reset::latest;
  int64_t reset_duration_ms = 0; ///< by_duration: so long before now
  /// share.isolation.level
  bool read_committed = false;
  /// share.renew.acknowledge.enable (KIP-1222)
  bool renews = true;

  bool operator==(const share_settings&) const = default;
};

} // namespace millrace
