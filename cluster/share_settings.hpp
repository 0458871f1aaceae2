#pragma once

// What a share group's configuration says to those who lead its partitions.

#include "cluster/config_node.hpp"
#include "cluster/metadata_image.hpp"
#include "cluster/share_partition.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

/// Where a group begins.
struct share_start {
  share_offset_reset reset = share_offset_reset::latest;
  int64_t duration_ms = 0;

  bool operator==(const share_start&) const = default;
};

/// `latest`, `earliest` or `by_duration:` and a duration of ISO 8601.
[[nodiscard]] std::optional<share_start> parse_share_start(
  std::string_view text);
/// `P1DT2H3M4.5S` and parts of it, as Java's Duration reads it.
[[nodiscard]] std::optional<int64_t> parse_duration_ms(std::string_view text);

/// What a group is configured to: its own overrides, and what the nodes say.
[[nodiscard]] share_settings share_settings_of(const std::string& group,
  const metadata_image& image, const node_config& node);

} // namespace millrace
