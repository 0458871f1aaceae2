#include "cluster/controller_state.hpp"
#include "cluster/topic_plan.hpp"

#include <set>

namespace millrace {

namespace {

using wanted_count = kafka::create_partitions_request::create_partitions_topic;

/// What has to be added so that the topic has as many as is wanted.
/// @param partition_count counts what the request has asked for so far
refusal plan_growth(const wanted_count& topic, const metadata_image& image,
  size_t& partition_count, partitions_added& added) {
  const auto* found = image.find_topic(topic.name);
  if (found == nullptr)
    return {kafka_error::unknown_topic_or_partition,
      "This server does not host this topic-partition."};
  const auto before = static_cast<int32_t>(found->partitions.size());
  if (topic.count == before)
    return {kafka_error::invalid_partitions,
      "Topic already has " + std::to_string(before) + " partition(s)."};
  if (topic.count < before)
    return {kafka_error::invalid_partitions,
      "The topic " + topic.name + " currently has " + std::to_string(before)
        + " partition(s); " + std::to_string(topic.count)
        + " would not be an increase."};
  const auto more = static_cast<size_t>(topic.count - before);
  partition_count += more;
  if (partition_count > partitions_per_request_max)
    return {kafka_error::policy_violation,
      "Excessively large number of partitions per request."};
  const auto factor = found->partitions.front().replicas.size();
  placed_replicas placed;
  if (topic.assignments) {
    if (topic.assignments->size() != more)
      return {kafka_error::invalid_replica_assignment,
        "Attempted to add " + std::to_string(more)
          + " additional partition(s), but "
          + std::to_string(topic.assignments->size())
          + " assignment(s) were specified."};
    for (const auto& assignment : *topic.assignments) {
      if (auto refused = check_replicas(assignment.broker_ids, factor, image))
        return refused;
      placed.push_back(nodes_of(assignment.broker_ids));
    }
  } else {
    auto result = place_replicas(usable_brokers(image), before,
      static_cast<int32_t>(more), static_cast<int16_t>(factor),
      found->id.high ^ found->id.low);
    if (!result)
      return {kafka_error::invalid_replication_factor, result.error().context};
    placed = std::move(*result);
  }
  added.topic = found->id;
  for (auto& replicas : placed)
    added.partitions.push_back(
      new_partition(static_cast<size_t>(before) + added.partitions.size(),
        std::move(replicas), image));
  return {};
}

} // namespace

metadata_decision<kafka::create_partitions_response> controller_state::decide(
  const kafka::create_partitions_request& request, mutation_quota quota) const {
  metadata_decision<kafka::create_partitions_response> decided;
  const auto twice = names_given_twice(request.topics);
  std::set<std::string> refused_twice;
  size_t partition_count = 0;
  for (const auto& topic : request.topics) {
    if (twice.count(topic.name) != 0
        && !refused_twice.insert(topic.name).second)
      continue;
    partitions_added added;
    refusal refused;
    if (twice.count(topic.name) != 0)
      refused = {kafka_error::invalid_request, "Duplicate topic name."};
    else
      refused = plan_growth(topic, image_, partition_count, added);
    if (!refused && !quota.take(added.partitions.size()))
      refused = quota_exceeded();
    kafka::create_partitions_response::create_partitions_topic_result result;
    result.name = topic.name;
    if (refused) {
      result.error_code = static_cast<int16_t>(refused.error);
      result.error_message = std::move(refused.message);
    } else if (!request.validate_only) {
      decided.records.push_back(std::move(added));
    }
    decided.reply.results.push_back(std::move(result));
  }
  decided.reply.throttle_time_ms = quota.throttle_ms();
  return decided;
}

} // namespace millrace
