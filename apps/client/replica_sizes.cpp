#include "apps/client/replica_sizes.hpp"

#include "schema/kafka/describe_log_dirs.hpp"

namespace millrace::client {

// Nobody else asks for it.
template <>
struct exchange<kafka::describe_log_dirs_request> {
  using response = kafka::describe_log_dirs_response;
  static constexpr auto key = kafka::api_key::describe_log_dirs;
  static constexpr int16_t newest = 4;
};

namespace {

/// One that is about to be shut out holds up nobody.
constexpr int node_timeout_ms = 2000;

kafka::describe_log_dirs_request request_for(
  const std::optional<std::set<topic_partition>>& wanted) {
  kafka::describe_log_dirs_request request;
  if (!wanted) {
    request.topics.reset();
    return request;
  }
  for (const auto& name : *wanted) {
    auto& topics = *request.topics;
    if (topics.empty() || topics.back().topic != name.topic)
      topics.emplace_back().topic = name.topic;
    topics.back().partitions.push_back(name.partition);
  }
  return request;
}

void note(replica_sizes& sizes, node_id node,
  const kafka::describe_log_dirs_response& answer) {
  for (const auto& directory : answer.results)
    for (const auto& topic : directory.topics)
      for (const auto& p : topic.partitions)
        sizes[{topic.name, p.partition_index}][node] = p.partition_size;
}

} // namespace

replica_sizes find_replica_sizes(
  cluster& nodes, const std::optional<std::set<topic_partition>>& wanted) {
  replica_sizes sizes;
  const auto request = request_for(wanted);
  const auto known = nodes.brokers();
  for (const auto& [id, broker] : known) {
    auto to = nodes.node(id);
    if (!to)
      continue;
    auto answer = (*to)->call(request, node_timeout_ms);
    if (answer)
      note(sizes, node_id{id}, *answer);
    else
      nodes.drop(*to);
  }
  return sizes;
}

} // namespace millrace::client
