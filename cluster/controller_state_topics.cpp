#include "cluster/config_topic.hpp"
#include "cluster/controller_state.hpp"
#include "cluster/topic_plan.hpp"
#include "cluster/topic_rules.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace millrace {

namespace {

using creatable_topic = kafka::create_topics_request::creatable_topic;

/// The name is good and free, beside those that this request has created.
refusal check_name(const std::string& name, const metadata_image& image,
  const std::map<std::string, std::string>& created) {
  if (auto why = why_not_topic_name(name))
    return {kafka_error::invalid_topic_exception, *why};
  if (name == "__cluster_metadata")
    return {kafka_error::invalid_request,
      "Creation of internal topic __cluster_metadata is prohibited."};
  if (image.find_topic(name) != nullptr)
    return {kafka_error::topic_already_exists,
      "Topic '" + name + "' already exists."};
  auto other = image.collision_of(name);
  if (const auto at = created.find(metric_name_of(name)); at != created.end())
    other = at->second;
  if (!other.empty())
    return {kafka_error::invalid_topic_exception,
      "Topic '" + name + "' collides with existing topic: " + other};
  return {};
}

refusal check_topic_configs(const creatable_topic& topic, config_map& configs) {
  for (const auto& config : topic.configs) {
    if (!config.value)
      return {kafka_error::invalid_config,
        "Null value not supported for topic configs: " + config.name};
    configs[config.name] = *config.value; // the last one, if it comes twice
  }
  if (auto why = why_not_topic_configs(configs))
    return {kafka_error::invalid_config, *why};
  return {};
}

void describe_new_topic(
  kafka::create_topics_response::creatable_topic_result& result,
  const config_map& configs, const metadata_image& image,
  const node_config& node) {
  for (const auto& key : topic_config_keys()) {
    if (!key.supported)
      continue;
    auto described = describe_config(
      key, configs, config_source::dynamic_topic, image, node);
    // What was asked for is told as it was written.
    if (const auto given = configs.find(key.name); given != configs.end())
      described.value = given->second;
    result.configs->push_back({key.name, std::move(described.value), false,
      static_cast<int8_t>(described.source), key.sensitive});
  }
}

} // namespace

metadata_decision<kafka::create_topics_response> controller_state::decide(
  const kafka::create_topics_request& request, mutation_quota quota) const {
  metadata_decision<kafka::create_topics_response> decided;
  const auto twice = names_given_twice(request.topics);
  std::set<std::string> refused_twice;
  std::map<std::string, std::string> created; // by their names in metrics
  size_t partition_count = 0;
  for (const auto& topic : request.topics) {
    kafka::create_topics_response::creatable_topic_result result;
    result.name = topic.name;
    result.error_message.reset();
    placed_replicas placed;
    config_map configs;
    const auto id = fresh_uuid();
    refusal refused;
    if (twice.count(topic.name) != 0) {
      if (!refused_twice.insert(topic.name).second)
        continue;
      refused = {kafka_error::invalid_request, "Duplicate topic name."};
    }
    if (!refused)
      refused = check_name(topic.name, image_, created);
    if (!refused)
      refused = check_topic_configs(topic, configs);
    if (!refused)
      refused = plan_replicas(topic, node_, image_, id.high ^ id.low, placed);
    if (!refused
        && partition_count + placed.size() > partitions_per_request_max)
      refused = {kafka_error::policy_violation,
        "Excessively large number of partitions per request."};
    if (!refused && !quota.take(placed.size()))
      refused = quota_exceeded();
    if (refused) {
      result.error_code = static_cast<int16_t>(refused.error);
      result.error_message = std::move(refused.message);
      decided.reply.topics.push_back(std::move(result));
      continue;
    }
    partition_count += placed.size();
    created.emplace(metric_name_of(topic.name), topic.name);
    result.topic_id = id;
    result.num_partitions = static_cast<int32_t>(placed.size());
    result.replication_factor = static_cast<int16_t>(placed.front().size());
    describe_new_topic(result, configs, image_, node_);
    decided.reply.topics.push_back(std::move(result));
    if (request.validate_only)
      continue;
    topic_created command{topic.name, id, {}, {}};
    for (auto& replicas : placed)
      command.partitions.push_back(
        new_partition(command.partitions.size(), std::move(replicas), image_));
    for (const auto& [name, value] : configs)
      command.configs.push_back({name, value});
    decided.records.push_back(std::move(command));
  }
  decided.reply.throttle_time_ms = quota.throttle_ms();
  return decided;
}

metadata_decision<std::vector<auto_created_topic>>
controller_state::decide_auto_creation(
  std::span<const std::string> names) const {
  metadata_decision<std::vector<auto_created_topic>> decided;
  kafka::create_topics_request request;
  std::set<std::string> seen;
  for (const auto& name : names) {
    if (!seen.insert(name).second)
      continue;
    if (image_.find_topic(name) != nullptr) {
      decided.reply.push_back({name, kafka_error::none, {}});
      continue;
    }
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    if (name == offsets_topic_name) {
      topic.num_partitions = node_.offsets_topic_partitions;
      topic.configs
        = {{"cleanup.policy", "compact"}, {"compression.type", "producer"},
          {"segment.bytes", std::to_string(node_.offsets_topic_segment_bytes)}};
    } else if (name == transactions_topic_name) {
      topic.num_partitions = node_.transactions_topic_partitions;
      topic.configs
        = {{"cleanup.policy", "compact"}, {"compression.type", "uncompressed"},
          {"min.insync.replicas",
            std::to_string(node_.transactions_topic_min_isr)},
          {"segment.bytes",
            std::to_string(node_.transactions_topic_segment_bytes)},
          {"unclean.leader.election.enable", "false"}};
    } else if (name == share_states_topic_name) {
      // Its records do not replace one another by their keys: the coordinator
      // deletes what nobody needs.
      topic.num_partitions = node_.share_states_topic_partitions;
      topic.configs
        = {{"cleanup.policy", "delete"}, {"compression.type", "producer"},
          {"min.insync.replicas",
            std::to_string(node_.share_states_topic_min_isr)},
          {"retention.ms", "-1"},
          {"segment.bytes",
            std::to_string(node_.share_states_topic_segment_bytes)},
          {"unclean.leader.election.enable", "false"}};
    }
  }
  auto created = decide(request);
  for (auto& topic : created.reply.topics)
    decided.reply.push_back(
      {topic.name, static_cast<kafka_error>(topic.error_code),
        topic.error_message.value_or("")});
  decided.records = std::move(created.records);
  return decided;
}

metadata_decision<kafka::delete_topics_response> controller_state::decide(
  const kafka::delete_topics_request& request, mutation_quota quota) const {
  metadata_decision<kafka::delete_topics_response> decided;
  auto wanted = request.topics;
  for (const auto& name : request.topic_names)
    wanted.push_back({name, uuid{}});
  std::set<uuid> deleted;
  std::map<std::string, int> name_count;
  std::map<uuid, int> id_count;
  for (const auto& topic : wanted) {
    if (topic.name)
      ++name_count[*topic.name];
    else
      ++id_count[topic.topic_id];
  }
  for (const auto& topic : wanted) {
    kafka::delete_topics_response::deletable_topic_result result;
    result.name = topic.name;
    result.topic_id = topic.topic_id;
    refusal refused;
    const auto* found = topic.name ? image_.find_topic(*topic.name)
                                   : image_.find_topic(topic.topic_id);
    if (!node_.delete_topics)
      refused
        = {kafka_error::topic_deletion_disabled, "Topic deletion is disabled."};
    else if (topic.name && !topic.topic_id.is_zero())
      refused = {kafka_error::invalid_request,
        "You may not specify both topic name and topic id."};
    else if (!topic.name && topic.topic_id.is_zero())
      refused = {kafka_error::invalid_request,
        "Neither topic name nor id were specified."};
    else if (topic.name && name_count[*topic.name] > 1)
      refused = {kafka_error::invalid_request, "Duplicate topic name."};
    else if (!topic.name && id_count[topic.topic_id] > 1)
      refused = {kafka_error::invalid_request, "Duplicate topic id."};
    else if (found == nullptr && topic.name)
      refused = {kafka_error::unknown_topic_or_partition,
        "This server does not host this topic-partition."};
    else if (found == nullptr)
      refused = {kafka_error::unknown_topic_id,
        "This server does not host this topic ID."};
    else if (!deleted.insert(found->id).second)
      refused = {kafka_error::invalid_request,
        "The provided topic name maps to an ID that was already supplied."};
    else if (!quota.take(found->partitions.size()))
      refused = quota_exceeded();
    if (refused) {
      result.error_code = static_cast<int16_t>(refused.error);
      result.error_message = std::move(refused.message);
    } else {
      result.name = found->name;
      result.topic_id = found->id;
      decided.records.push_back(topic_deleted{found->id});
    }
    decided.reply.responses.push_back(std::move(result));
  }
  decided.reply.throttle_time_ms = quota.throttle_ms();
  return decided;
}

} // namespace millrace
