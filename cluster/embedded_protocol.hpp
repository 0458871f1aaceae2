#pragma once

// The consumer protocol, which members of classic groups put into JoinGroup
// and SyncGroup: what they subscribe to, and what they are assigned.

#include "cluster/partition_set.hpp"
#include "cluster/topic_view.hpp"
#include "schema/kafka/consumer_protocol.hpp"
#include "schema/result.hpp"

#include <string>
#include <string_view>

namespace millrace {

/// What a member tells of itself in JoinGroup. A version that is newer than
/// ours is read as ours, as versions only add fields at the end.
/// Errors: truncated, corrupt.
[[nodiscard]] result<kafka::consumer_protocol_subscription> read_subscription(
  std::string_view metadata);

/// What a member is told in SyncGroup; nothing if it was told nothing yet.
/// Topics that do not exist are left out.
/// Errors: truncated, corrupt.
[[nodiscard]] result<partition_set> read_assignment(
  std::string_view assignment, const topic_view& topics);

/// The same, in the version of a member's metadata.
/// Precondition: read_subscription(metadata) succeeds.
[[nodiscard]] std::string write_assignment(std::string_view metadata,
  const partition_set& partitions, const topic_view& topics);

/// The partitions of a list of structs with `topic` and `partitions`; topics
/// that do not exist are left out.
template <class Topics>
[[nodiscard]] partition_set partitions_by_name(
  const Topics& named, const topic_view& topics) {
  partition_set set;
  for (const auto& t : named)
    if (const auto* topic = topics.find(t.topic))
      for (const auto partition : t.partitions)
        insert(set, topic->id, partition);
  return set;
}

} // namespace millrace
