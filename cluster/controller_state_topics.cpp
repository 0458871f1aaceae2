#include "cluster/config_topic.hpp"
#include "cluster/controller_state.hpp"
#include "cluster/placement.hpp"
#include "cluster/topic_rules.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace millrace {

namespace {

/// As Kafka bounds one request: what a controller can write at once.
constexpr size_t partitions_per_request_max = 10'000;

struct refusal {
  kafka_error error = kafka_error::none;
  std::string message;
  explicit operator bool() const {
    return error != kafka_error::none;
  }
};

std::vector<usable_broker> usable_brokers(const metadata_image& image) {
  std::vector<usable_broker> brokers;
  for (const auto& [id, broker] : image.brokers())
    if (!broker.fenced)
      brokers.push_back({id, broker.rack});
  return brokers;
}

/// Why these replicas cannot be one partition's. @param replica_count what
/// the partitions before have; 0: none yet.
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
    any_alive = any_alive || image.is_alive({id});
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
    if (!image.is_alive(id))
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

using creatable_topic = kafka::create_topics_request::creatable_topic;

refusal manual_replicas(const creatable_topic& topic,
  const metadata_image& image, std::vector<std::vector<node_id>>& placed) {
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

refusal automatic_replicas(const creatable_topic& topic,
  const node_config& node, const metadata_image& image, uint64_t seed,
  std::vector<std::vector<node_id>>& placed) {
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
  const auto factor = topic.replication_factor == -1
                        ? node.default_replication_factor
                        : topic.replication_factor;
  auto result = place_replicas(usable_brokers(image), 0, count, factor, seed);
  if (!result)
    return {kafka_error::invalid_replication_factor, result.error().context};
  placed = std::move(*result);
  return {};
}

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
    if (!configs.emplace(config.name, *config.value).second)
      return {kafka_error::invalid_request,
        "Error due to duplicate config keys: " + config.name};
  }
  if (auto why = why_not_topic_configs(topic.name, configs))
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
    auto described = describe_topic_config(key, configs, image, node);
    result.configs->push_back({key.name, std::move(described.value), false,
      static_cast<int8_t>(described.source), key.sensitive});
  }
}

template <class Topics>
std::set<std::string> names_given_twice(const Topics& topics) {
  std::set<std::string> once;
  std::set<std::string> twice;
  for (const auto& topic : topics)
    if (!once.insert(topic.name).second)
      twice.insert(topic.name);
  return twice;
}

} // namespace

metadata_decision<kafka::create_topics_response> controller_state::decide(
  const kafka::create_topics_request& request) const {
  metadata_decision<kafka::create_topics_response> decided;
  const auto twice = names_given_twice(request.topics);
  std::set<std::string> refused_twice;
  std::map<std::string, std::string> created; // by their names in metrics
  size_t partition_count = 0;
  for (const auto& topic : request.topics) {
    kafka::create_topics_response::creatable_topic_result result;
    result.name = topic.name;
    result.error_message.reset();
    std::vector<std::vector<node_id>> placed;
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
      refused
        = topic.assignments.empty()
            ? automatic_replicas(topic, node_, image_, id.high ^ id.low, placed)
            : manual_replicas(topic, image_, placed);
    if (!refused
        && partition_count + placed.size() > partitions_per_request_max)
      refused = {kafka_error::policy_violation,
        "Excessively large number of partitions per request."};
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
    if (name != offsets_topic_name)
      continue;
    topic.num_partitions = node_.offsets_topic_partitions;
    topic.replication_factor = node_.offsets_topic_replication_factor;
    topic.configs
      = {{"cleanup.policy", "compact"}, {"compression.type", "producer"},
        {"segment.bytes", std::to_string(node_.offsets_topic_segment_bytes)}};
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
  const kafka::delete_topics_request& request) const {
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
  return decided;
}

metadata_decision<kafka::create_partitions_response> controller_state::decide(
  const kafka::create_partitions_request& request) const {
  metadata_decision<kafka::create_partitions_response> decided;
  const auto twice = names_given_twice(request.topics);
  std::set<std::string> refused_twice;
  size_t partition_count = 0;
  const auto plan = [&](const auto& topic, partitions_added& added) -> refusal {
    if (twice.count(topic.name) != 0)
      return {kafka_error::invalid_request, "Duplicate topic name."};
    const auto* found = image_.find_topic(topic.name);
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
    std::vector<std::vector<node_id>> placed;
    if (topic.assignments) {
      if (topic.assignments->size() != more)
        return {kafka_error::invalid_replica_assignment,
          "Attempted to add " + std::to_string(more)
            + " additional partition(s), but "
            + std::to_string(topic.assignments->size())
            + " assignment(s) were specified."};
      for (const auto& assignment : *topic.assignments) {
        if (auto refused
            = check_replicas(assignment.broker_ids, factor, image_))
          return refused;
        placed.push_back(nodes_of(assignment.broker_ids));
      }
    } else {
      auto result = place_replicas(usable_brokers(image_), before,
        static_cast<int32_t>(more), static_cast<int16_t>(factor),
        found->id.high ^ found->id.low);
      if (!result)
        return {
          kafka_error::invalid_replication_factor, result.error().context};
      placed = std::move(*result);
    }
    added.topic = found->id;
    for (auto& replicas : placed)
      added.partitions.push_back(
        new_partition(static_cast<size_t>(before) + added.partitions.size(),
          std::move(replicas), image_));
    return {};
  };
  for (const auto& topic : request.topics) {
    if (twice.count(topic.name) != 0
        && !refused_twice.insert(topic.name).second)
      continue;
    partitions_added added;
    auto refused = plan(topic, added);
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
  return decided;
}

} // namespace millrace
