#include "cluster/metadata_answers.hpp"

#include "cluster/topic_rules.hpp"
#include "schema/kafka_error.hpp"

#include <algorithm>
#include <set>

namespace millrace {

namespace {

constexpr int16_t first_version_by_id = 12;

int16_t code(kafka_error error) {
  return static_cast<int16_t>(error);
}

std::vector<int32_t> numbers_of(const std::vector<node_id>& nodes) {
  std::vector<int32_t> numbers;
  numbers.reserve(nodes.size());
  for (const auto node : nodes)
    numbers.push_back(node.value);
  return numbers;
}

/// What Metadata and DescribeTopicPartitions say alike of a partition.
template <class Answer>
void describe_partition(Answer& answer, const partition_registration& p,
  const metadata_image& image) {
  const bool led = p.leader != no_node && image.is_alive(p.leader);
  answer.error_code
    = code(led ? kafka_error::none : kafka_error::leader_not_available);
  answer.partition_index = p.index;
  answer.leader_id = led ? p.leader.value : -1;
  answer.leader_epoch = p.epoch.value;
  answer.replica_nodes = numbers_of(p.replicas);
  answer.isr_nodes = numbers_of(p.isr);
  for (const auto replica : p.replicas)
    if (!image.is_alive(replica))
      answer.offline_replicas.push_back(replica.value);
}

using metadata_topic = kafka::metadata_response::metadata_response_topic;

metadata_topic describe_topic(const topic_image& topic, bool include_operations,
  const metadata_image& image) {
  metadata_topic answer;
  answer.name = topic.name;
  answer.topic_id = topic.id;
  answer.is_internal = is_internal_topic(topic.name);
  answer.partitions.resize(topic.partitions.size());
  for (size_t i = 0; i < topic.partitions.size(); ++i)
    describe_partition(answer.partitions[i], topic.partitions[i], image);
  if (include_operations)
    answer.topic_authorized_operations = topic_operations;
  return answer;
}

metadata_topic refused_topic(
  kafka_error error, std::optional<std::string> name, const uuid& id) {
  metadata_topic answer;
  answer.error_code = code(error);
  answer.is_internal = name && is_internal_topic(*name);
  answer.name = std::move(name);
  answer.topic_id = id;
  return answer;
}

/// One topic that the request names.
void answer_topic(metadata_answer& answer,
  const kafka::metadata_request::metadata_request_topic& wanted,
  const kafka::metadata_request& request, const metadata_image& image,
  const node_config& node) {
  auto& topics = answer.response.topics;
  const bool by_id = !wanted.topic_id.is_zero();
  if (!by_id && !wanted.name) {
    topics.push_back(
      refused_topic(kafka_error::invalid_request, "", wanted.topic_id));
    return;
  }
  const auto* found = by_id ? image.find_topic(wanted.topic_id)
                            : image.find_topic(*wanted.name);
  if (found != nullptr) {
    topics.push_back(describe_topic(
      *found, request.include_topic_authorized_operations, image));
    return;
  }
  if (by_id) {
    topics.push_back(refused_topic(
      kafka_error::unknown_topic_id, std::nullopt, wanted.topic_id));
    return;
  }
  const bool valid = !why_not_topic_name(*wanted.name);
  if (valid && request.allow_auto_topic_creation && node.auto_create_topics)
    answer.missing.push_back(*wanted.name);
  topics.push_back(refused_topic(valid ? kafka_error::unknown_topic_or_partition
                                       : kafka_error::invalid_topic_exception,
    wanted.name, uuid{}));
  // Nobody may do less with what is not there.
  if (request.include_topic_authorized_operations)
    topics.back().topic_authorized_operations = topic_operations;
}

/// The fields are there from v10 on, but ids work from v12 on only: one topic
/// that is not simply named makes the whole request a wrong one.
bool names_no_topic(
  const kafka::metadata_request& request, const client_view& view) {
  return view.version < first_version_by_id && request.topics
         && std::ranges::any_of(
           *request.topics,
           [](const auto& topic) {
             return !topic.name || !topic.topic_id.is_zero();
           });
}

} // namespace

metadata_answer answer_metadata(const kafka::metadata_request& request,
  const client_view& view, const metadata_image& image,
  const node_config& node) {
  metadata_answer answer;
  auto& response = answer.response;
  if (names_no_topic(request, view)) {
    for (const auto& topic : *request.topics)
      response.topics.push_back(refused_topic(
        kafka_error::invalid_request, topic.name.value_or(""), topic.topic_id));
    return answer;
  }
  for (const auto& [id, broker] : image.brokers()) {
    if (broker.fenced
        && std::find(view.lately_fenced.begin(), view.lately_fenced.end(), id)
             == view.lately_fenced.end())
      continue;
    if (auto at = address_of(broker, view))
      response.brokers.push_back(
        {id.value, std::move(at->host), at->port, broker.rack});
  }
  response.cluster_id = image.cluster_id();
  response.controller_id = view.controller.value;
  if (request.include_cluster_authorized_operations)
    response.cluster_authorized_operations = cluster_operations;
  const bool all
    = !request.topics || (view.version == 0 && request.topics->empty());
  if (all) {
    response.topics.reserve(image.topics().size());
    for (const auto& [name, topic] : image.topics())
      response.topics.push_back(describe_topic(
        *topic, request.include_topic_authorized_operations, image));
    return answer;
  }
  // Where any topic is asked for by its id, those with a name only are not.
  const bool by_ids = std::ranges::any_of(*request.topics, [](const auto& t) {
    return !t.topic_id.is_zero();
  });
  std::set<std::pair<uuid, std::string>> seen;
  for (const auto& wanted : *request.topics)
    if ((!by_ids || !wanted.topic_id.is_zero())
        && seen.insert({wanted.topic_id, wanted.name.value_or("")}).second)
      answer_topic(answer, wanted, request, image, node);
  return answer;
}

kafka::describe_cluster_response answer_describe_cluster(
  const kafka::describe_cluster_request& request, const client_view& view,
  const metadata_image& image) {
  constexpr int8_t brokers = 1;
  constexpr int8_t controllers = 2;
  kafka::describe_cluster_response response;
  if (request.endpoint_type == controllers) {
    response.error_code = code(kafka_error::mismatched_endpoint_type);
    response.error_message
      = "The request was sent to an endpoint of type BROKER, but we wanted an "
        "endpoint of type CONTROLLER";
    return response;
  }
  if (request.endpoint_type != brokers) {
    response.error_code = code(kafka_error::unsupported_endpoint_type);
    response.error_message
      = "Unsupported endpoint type " + std::to_string(request.endpoint_type);
    return response;
  }
  response.cluster_id = image.cluster_id();
  response.controller_id = view.controller.value;
  for (const auto& [id, broker] : image.brokers()) {
    if (broker.fenced && !request.include_fenced_brokers)
      continue;
    if (auto at = address_of(broker, view))
      response.brokers.push_back(
        {id.value, std::move(at->host), at->port, broker.rack, broker.fenced});
  }
  if (request.include_cluster_authorized_operations)
    response.cluster_authorized_operations = cluster_operations;
  return response;
}

kafka::describe_topic_partitions_response answer_describe_topic_partitions(
  const kafka::describe_topic_partitions_request& request, const client_view&,
  const metadata_image& image, const node_config& node) {
  kafka::describe_topic_partitions_response response;
  const auto is_wanted = [&](const std::string& name) {
    return request.topics.empty()
           || std::ranges::any_of(request.topics, [&](const auto& topic) {
                return topic.name == name;
              });
  };
  if (request.cursor
      && (request.cursor->partition_index < 0
          || !is_wanted(request.cursor->topic_name))) {
    for (const auto& wanted : request.topics) {
      auto& topic = response.topics.emplace_back();
      topic.name = wanted.name;
      topic.error_code = code(kafka_error::invalid_request);
    }
    return response;
  }
  const auto after = request.cursor ? request.cursor->topic_name : "";
  std::set<std::string> names;
  for (const auto& topic : request.topics)
    names.insert(topic.name);
  if (request.topics.empty())
    for (const auto& [name, topic] : image.topics())
      names.insert(names.end(), name);
  auto room = std::max(
    std::min(request.response_partition_limit, node.describe_partitions_max),
    1);
  for (auto at = names.lower_bound(after); at != names.end(); ++at) {
    const auto* found = image.find_topic(*at);
    // Asked for everything: the cursor's topic may be gone meanwhile.
    if (room == 0) {
      response.next_cursor = decltype(response.next_cursor)::value_type{};
      response.next_cursor->topic_name = *at;
      return response;
    }
    auto& topic = response.topics.emplace_back();
    topic.name = *at;
    topic.is_internal = is_internal_topic(*at);
    topic.topic_authorized_operations = topic_operations;
    if (found == nullptr) {
      topic.error_code = code(why_not_topic_name(*at)
                                ? kafka_error::invalid_topic_exception
                                : kafka_error::unknown_topic_or_partition);
      continue;
    }
    topic.topic_id = found->id;
    const auto count = static_cast<int32_t>(found->partitions.size());
    int32_t i = 0;
    if (request.cursor && *at == after)
      i = std::clamp(request.cursor->partition_index, 0, count);
    for (; i < count && room > 0; ++i, --room) {
      auto& p = topic.partitions.emplace_back();
      describe_partition(p, found->partitions[static_cast<size_t>(i)], image);
      p.eligible_leader_replicas.emplace();
      p.last_known_elr.emplace();
    }
    if (i < count) {
      response.next_cursor = decltype(response.next_cursor)::value_type{};
      response.next_cursor->topic_name = *at;
      response.next_cursor->partition_index = i;
      return response;
    }
  }
  return response;
}

} // namespace millrace
