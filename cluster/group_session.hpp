#pragma once

// What members of a classic group do beside joining: SyncGroup, Heartbeat,
// LeaveGroup.

#include "cluster/group_rebalance.hpp"
#include "schema/kafka/heartbeat.hpp"
#include "schema/kafka/leave_group.hpp"
#include "schema/kafka/sync_group.hpp"

namespace millrace {

/// Answers at once, or parks the request until the leader's assignment is
/// durable (R20).
void sync_group(group_state& group, group_turn& turn,
  const group_request_context& who, const kafka::sync_group_request& request);

/// Keeps a member's session alive and tells it of a rebalance.
[[nodiscard]] kafka_error heartbeat(group_state& group, group_turn& turn,
  const kafka::heartbeat_request& request);

/// Takes members out, by id or (KIP-345, by an admin) by instance id. Up to
/// version 2 there is one member, whose error is the answer's.
/// When it appends records, the answer must wait for them.
[[nodiscard]] kafka::leave_group_response leave_group(group_state& group,
  group_turn& turn, const group_request_context& who,
  const kafka::leave_group_request& request);

} // namespace millrace
