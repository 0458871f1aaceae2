#pragma once

// A group that goes over from the classic protocol to KIP-848, or back, with
// members in it.

#include "cluster/consumer_group_state.hpp"
#include "cluster/group_state.hpp"
#include "schema/result.hpp"

#include <cstdint>
#include <vector>

namespace millrace {

/// The records of the consumer group that `group` becomes: every member has
/// what its leader has assigned to it, and nothing is to move. Its generation
/// is the first epoch.
/// Precondition: group.uses_consumer_protocol().
/// Errors: truncated, corrupt; what a member says is not the consumer
/// protocol.
[[nodiscard]] result<std::vector<consumer_group_record>> upgraded(
  const group_state& group, const topic_view& topics, int64_t wall_ms);

/// The classic group that `group` becomes; its epoch is the generation.
/// Precondition: all members are of the classic protocol, and there are some.
/// @param now_ms monotonic: the sessions start
[[nodiscard]] group_state downgraded(const consumer_group_state& group,
  const topic_view& topics, int64_t now_ms, int64_t wall_ms);

} // namespace millrace
