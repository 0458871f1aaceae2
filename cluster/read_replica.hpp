#pragma once

// Which replica a consumer is to read from (KIP-392): the leader, or, where
// replica.selector.class says so, one in the consumer's own rack. Only the
// leader sends consumers elsewhere; a follower serves whoever comes.

#include "cluster/client_view.hpp"
#include "cluster/config_node.hpp"
#include "cluster/metadata_image.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace millrace {

/// What replica.selector.class may be; unset is like the first.
inline constexpr std::string_view leader_selector
  = "org.apache.kafka.common.replica.LeaderSelector";
inline constexpr std::string_view rack_aware_selector
  = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
inline constexpr std::string_view rack_aware_short = "rack-aware";

/// Whether this node sends consumers to their racks.
[[nodiscard]] bool reads_in_rack(const node_config& config);

/// The followers in that rack that are registered, not fenced, and have an
/// address for this client. Nobody if the leader is in the rack too.
[[nodiscard]] std::vector<node_id> followers_in_rack(
  const partition_registration& partition, std::string_view rack,
  const client_view& view, const metadata_image& image);

/// A follower in sync, as its leader knows it.
struct read_candidate {
  node_id id;
  offset log_start;
  offset log_end;           ///< -1: not heard of in this leadership
  int64_t caught_up_ms = 0; ///< when it last had all that there was
};

/// Of those whose log holds `from`, or ends there, the one that has most; of
/// several the one that was caught up last, then the highest id.
[[nodiscard]] std::optional<node_id> choose_read_replica(
  std::span<const read_candidate> candidates, offset from);

} // namespace millrace
