#pragma once

// How a member of a consumer group (KIP-848) comes from what it has to what
// it is to have, without two members having one partition at any time.

#include "cluster/consumer_group_state.hpp"

#include <optional>

namespace millrace {

/// What a member says in a heartbeat that it owns; nothing when it says
/// nothing.
using owned_claim = std::optional<partition_set>;

/// The member after its next step towards its target assignment, or as it is
/// when there is none to take.
///
/// What is not in the target is to be given up first, in the old epoch; then
/// the member comes to the epoch of the target and gets what nobody else
/// holds, now and in later steps. Partitions of topics to which it no longer
/// subscribes go at once.
/// @param topics resolves the names that it subscribes to
/// Precondition: `member` is how the group should see it from now on; the
/// group may have it otherwise or not yet.
[[nodiscard]] consumer_group_member reconcile(const consumer_group_state& group,
  const consumer_group_member& member, const topic_view& topics,
  const owned_claim& owned);

} // namespace millrace
