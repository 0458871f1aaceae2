#pragma once

// The answers to JoinGroup and SyncGroup, in the form that each version asks
// for. rules.md C 6: protocol names are null from JoinGroup v7 on where there
// is none, and empty before.

#include "cluster/group_state.hpp"
#include "schema/kafka/join_group.hpp"
#include "schema/kafka/sync_group.hpp"
#include "schema/kafka/txn_offset_commit.hpp"
#include "schema/kafka_error.hpp"

#include <cstdint>
#include <string>

namespace millrace {

/// An answer's code on the wire.
[[nodiscard]] constexpr int16_t code_of(kafka_error error) {
  return static_cast<int16_t>(error);
}

[[nodiscard]] kafka::join_group_response join_refused(
  int16_t version, const std::string& member_id, kafka_error error);

/// The current generation as `member_id` sees it, without the members.
[[nodiscard]] kafka::join_group_response join_accepted(
  int16_t version, const group_state& group, const std::string& member_id);

/// Adds what the leader needs to assign: all members and their metadata.
void add_members(kafka::join_group_response& answer, const group_state& group);

/// The same for every partition.
[[nodiscard]] kafka::txn_offset_commit_response txn_offset_commit_answer(
  const kafka::txn_offset_commit_request& request, kafka_error error);

[[nodiscard]] kafka::sync_group_response sync_refused(kafka_error error);

[[nodiscard]] kafka::sync_group_response sync_accepted(
  const group_state& group, const std::string& assignment);

} // namespace millrace
