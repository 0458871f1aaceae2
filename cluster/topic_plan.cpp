#include "cluster/topic_plan.hpp"

#include <map>

namespace millrace {

namespace {

using creatable_topic = kafka::create_topics_request::creatable_topic;

refusal manual_replicas(const creatable_topic& topic,
  const metadata_image& image, placed_replicas& placed) {
  if (topic.replication_factor != -1)
    return {kafka_error::invalid_request,
      "A manual partition assignment was specified, but replication factor "
      "was not set to -1."};
  if (topic.num_partitions != -1)
    return {kafka_error::invalid_request,
      "A manual partition assignment was specified, but numPartitions was "
      "not set to -1."};
  std::map<int32_t, const std::vector<int32_t>*> by_index;
  for (const auto& assignment : topic.assignments)
    if (!by_index.emplace(assignment.partition_index, &assignment.broker_ids)
          .second)
      return {kafka_error::invalid_replica_assignment,
        "Found multiple manual partition assignments for partition "
          + std::to_string(assignment.partition_index)};
  for (const auto& [index, replicas] : by_index) {
    const auto count = placed.empty() ? 0 : placed.front().size();
    if (auto refused = check_replicas(*replicas, count, image))
      return refused;
    if (index != static_cast<int32_t>(placed.size()))
      return {kafka_error::invalid_replica_assignment,
        "partitions should be a consecutive 0-based integer sequence"};
    placed.push_back(nodes_of(*replicas));
  }
  return {};
}

/// Brokers that are away, and controllers that have not come yet: what a
/// topic is given by default does not depend on who is there just now, as it
/// would have fewer replicas for ever.
void add_expected_brokers(std::vector<usable_broker>& brokers, int16_t wanted,
  const node_config& node, const metadata_image& image) {
  std::map<node_id, std::optional<std::string>> others;
  for (const auto& controller : node.controllers)
    others[controller.id] = std::nullopt;
  for (const auto& [id, broker] : image.brokers())
    others[id] = broker.rack;
  for (const auto& broker : brokers)
    others.erase(broker.id);
  for (auto& [id, rack] : others)
    if (brokers.size() < static_cast<size_t>(wanted))
      brokers.push_back({id, std::move(rack)});
}

int16_t default_factor(const std::string& topic, const node_config& node) {
  if (topic == offsets_topic_name)
    return node.offsets_topic_replication_factor;
  if (topic == transactions_topic_name)
    return node.transactions_topic_replication_factor;
  if (topic == share_states_topic_name)
    return node.share_states_topic_replication_factor;
  return node.default_replication_factor;
}

refusal automatic_replicas(const creatable_topic& topic,
  const node_config& node, const metadata_image& image, uint64_t seed,
  placed_replicas& placed) {
  if (topic.replication_factor < -1 || topic.replication_factor == 0)
    return {kafka_error::invalid_replication_factor,
      "Replication factor must be larger than 0, or -1 to use the default "
      "value."};
  if (topic.num_partitions < -1 || topic.num_partitions == 0)
    return {kafka_error::invalid_partitions,
      "Number of partitions was set to an invalid non-positive value."};
  const auto count
    = topic.num_partitions == -1 ? node.num_partitions : topic.num_partitions;
  if (static_cast<size_t>(count) > partitions_per_request_max)
    return {kafka_error::policy_violation,
      "Excessively large number of partitions per request."};
  const bool by_default = topic.replication_factor == -1;
  const auto factor
    = !by_default ? topic.replication_factor : default_factor(topic.name, node);
  auto brokers = usable_brokers(image);
  if (by_default && !brokers.empty()
      && brokers.size() < static_cast<size_t>(factor))
    add_expected_brokers(brokers, factor, node, image);
  auto result = place_replicas(brokers, 0, count, factor, seed);
  if (!result)
    return {kafka_error::invalid_replication_factor, result.error().context};
  placed = std::move(*result);
  return {};
}

} // namespace

std::vector<usable_broker> usable_brokers(const metadata_image& image) {
  std::vector<usable_broker> brokers;
  for (const auto& [id, broker] : image.brokers())
    if (image.is_active(id))
      brokers.push_back({id, broker.rack});
  return brokers;
}

refusal check_replicas(const std::vector<int32_t>& replicas,
  size_t replica_count, const metadata_image& image) {
  const auto invalid = [](std::string why) {
    return refusal{kafka_error::invalid_replica_assignment,
      "The manual partition assignment includes " + std::move(why)};
  };
  if (replicas.empty())
    return invalid("an empty replica list.");
  std::set<int32_t> seen;
  bool any_alive = false;
  for (const auto id : replicas) {
    const auto number = std::to_string(id);
    if (image.find_broker({id}) == nullptr)
      return invalid(
        "broker " + number + ", but no such broker is registered.");
    if (!seen.insert(id).second)
      return invalid("the broker " + number + " more than once.");
    any_alive = any_alive || image.is_active({id});
  }
  if (replica_count != 0 && replicas.size() != replica_count)
    return invalid(
      "a partition with " + std::to_string(replicas.size())
      + " replica(s), but this is not consistent with previous partitions, "
        "which have "
      + std::to_string(replica_count) + " replica(s).");
  if (!any_alive)
    return {kafka_error::invalid_replica_assignment,
      "All brokers specified in the manual partition assignment are fenced."};
  return {};
}

refusal plan_replicas(const creatable_topic& topic, const node_config& node,
  const metadata_image& image, uint64_t seed, placed_replicas& placed) {
  return topic.assignments.empty()
           ? automatic_replicas(topic, node, image, seed, placed)
           : manual_replicas(topic, image, placed);
}

std::vector<node_id> nodes_of(const std::vector<int32_t>& numbers) {
  std::vector<node_id> nodes;
  for (const auto number : numbers)
    nodes.push_back({number});
  return nodes;
}

partition_registration new_partition(
  size_t index, std::vector<node_id> replicas, const metadata_image& image) {
  partition_registration p;
  p.index = static_cast<int32_t>(index);
  for (const auto id : replicas) {
    if (!image.is_active(id))
      continue;
    if (p.leader == no_node)
      p.leader = id;
    p.isr.push_back(id);
  }
  for (const auto id : replicas) {
    const auto* broker = image.find_broker(id);
    p.directories.push_back(broker == nullptr || broker->directories.empty()
                              ? uuid{}
                              : broker->directories.front());
  }
  p.replicas = std::move(replicas);
  return p;
}

} // namespace millrace
