#pragma once

// What members of consumer groups (KIP-848) may ask in which state: the rules
// by which a ConsumerGroupHeartbeat, a commit or a fetch is refused.

#include "cluster/consumer_group_reconciler.hpp"
#include "cluster/group_config.hpp"
#include "schema/kafka/consumer_group_heartbeat.hpp"
#include "schema/kafka_error.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace millrace {

/// Why a request is refused; none: it is not.
struct group_refusal {
  kafka_error error = kafka_error::none;
  std::string message;

  explicit operator bool() const {
    return error != kafka_error::none;
  }
};

/// What the member epoch of a heartbeat says instead of an epoch.
inline constexpr int32_t epoch_joining = 0;
inline constexpr int32_t epoch_leaving = -1;
inline constexpr int32_t epoch_going_away = -2; ///< a static member's

/// Whether the request makes sense by itself: invalid_request,
/// unsupported_assignor or invalid_regular_expression.
[[nodiscard]] group_refusal check_heartbeat(
  const kafka::consumer_group_heartbeat_request& request, int16_t version,
  const consumer_group_config& config);

/// Whether a heartbeat of a known member may come with this epoch: its own,
/// or the one before if all that it owns is still assigned to it, as the
/// answer with the new epoch may be lost. fenced_member_epoch otherwise.
[[nodiscard]] group_refusal check_epoch(
  const consumer_group_member& member, int32_t epoch, const owned_claim& owned);

/// Whether these partitions may be committed: unknown_member_id,
/// unsupported_version for members below version 9, stale_member_epoch. A
/// member that has not heard of its newest epoch may commit what it has had
/// since the epoch that it knows (KIP-1251). One of the classic protocol may
/// come in any version, and is told illegal_generation instead.
/// @param partitions by topic id; empty for a commit of none
[[nodiscard]] group_refusal check_commit(const consumer_group_state& group,
  const std::string& member_id, int32_t epoch, int16_t version,
  const partition_set& partitions);

/// Whether a fetch of offsets may come with this member and epoch:
/// unknown_member_id or stale_member_epoch (illegal_generation for one of the
/// classic protocol). Without a member it always may.
[[nodiscard]] group_refusal check_fetch(const consumer_group_state& group,
  const std::optional<std::string>& member_id, int32_t epoch);

} // namespace millrace
