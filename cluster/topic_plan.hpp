#pragma once

// From what CreateTopics and CreatePartitions ask for to the replicas of each
// new partition: by hand, or placed here.

#include "cluster/config_node.hpp"
#include "cluster/metadata_image.hpp"
#include "cluster/placement.hpp"
#include "cluster/refusal.hpp"
#include "schema/kafka/create_topics.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace millrace {

/// As Kafka bounds one request: what a controller can write at once.
inline constexpr size_t partitions_per_request_max = 10'000;

/// The replicas of each new partition, the preferred leader first.
using placed_replicas = std::vector<std::vector<node_id>>;

/// Brokers that are registered, not fenced and not about to end.
[[nodiscard]] std::vector<usable_broker> usable_brokers(
  const metadata_image& image);

/// Why these replicas cannot be one partition's.
/// @param replica_count what the partitions before have; 0: none yet
[[nodiscard]] refusal check_replicas(const std::vector<int32_t>& replicas,
  size_t replica_count, const metadata_image& image);

/// The replicas that a new topic asks for: its assignments, else as many as
/// it or the node's defaults say, placed by `seed`.
[[nodiscard]] refusal plan_replicas(
  const kafka::create_topics_request::creatable_topic& topic,
  const node_config& node, const metadata_image& image, uint64_t seed,
  placed_replicas& placed);

/// A partition that nobody has led yet: the living replicas are in sync, the
/// first of them leads.
[[nodiscard]] partition_registration new_partition(
  size_t index, std::vector<node_id> replicas, const metadata_image& image);

[[nodiscard]] std::vector<node_id> nodes_of(
  const std::vector<int32_t>& numbers);

/// The names that occur more than once in `topics`.
template <class Topics>
std::set<std::string> names_given_twice(const Topics& topics) {
  std::set<std::string> once;
  std::set<std::string> twice;
  for (const auto& topic : topics)
    if (!once.insert(topic.name).second)
      twice.insert(topic.name);
  return twice;
}

} // namespace millrace
