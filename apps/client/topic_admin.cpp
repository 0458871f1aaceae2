#include "apps/client/topic_admin.hpp"

#include "apps/client/leaders.hpp"
#include "apps/client/refusal.hpp"

namespace millrace::client {

result<void> create_topic(
  cluster& nodes, const new_topic& topic, bool validate_only) {
  kafka::create_topics_request request;
  request.timeout_ms = nodes.options().timeout_ms;
  request.validate_only = validate_only;
  auto& t = request.topics.emplace_back();
  t.name = topic.name;
  t.num_partitions = topic.partitions;
  t.replication_factor = topic.replication_factor;
  for (const auto& [name, value] : topic.configs)
    t.configs.push_back({name, value});
  auto answer = nodes.ask_controller(request);
  if (!answer)
    return answer.error();
  for (const auto& one : answer->topics)
    if (one.error_code != 0)
      return refused(
        one.error_code, "create topic '" + topic.name + "'", one.error_message);
  return {};
}

result<void> delete_topic(cluster& nodes, const std::string& name) {
  kafka::delete_topics_request request;
  request.topic_names.push_back(name);
  request.timeout_ms = nodes.options().timeout_ms;
  auto answer = nodes.ask_controller(request);
  if (!answer)
    return answer.error();
  for (const auto& one : answer->responses) {
    const auto code = static_cast<kafka_error>(one.error_code);
    // The server's sentence for this one says less than ours.
    if (code == kafka_error::unknown_topic_or_partition)
      return refused(code, "delete topic '" + name + "'");
    if (code != kafka_error::none)
      return refused(code, "delete topic '" + name + "'", one.error_message);
  }
  return {};
}

result<void> add_partitions(
  cluster& nodes, const std::string& name, int32_t total) {
  kafka::create_partitions_request request;
  request.timeout_ms = nodes.options().timeout_ms;
  auto& t = request.topics.emplace_back();
  t.name = name;
  t.count = total;
  t.assignments.reset();
  auto answer = nodes.ask_controller(request);
  if (!answer)
    return answer.error();
  for (const auto& one : answer->results)
    if (one.error_code != 0)
      return refused(
        one.error_code, "add partitions to '" + name + "'", one.error_message);
  return {};
}

result<partition_offsets> delete_records(
  cluster& nodes, const partition_offsets& before) {
  return ask_leaders(
    nodes, before,
    [](int timeout_ms) {
      kafka::delete_records_request request;
      request.timeout_ms = timeout_ms;
      return request;
    },
    [](const topic_partition& tp, int64_t offset) {
      return kafka::delete_records_request::delete_records_partition{
        tp.partition, offset};
    },
    [](const auto& p) {
      return p.low_watermark;
    },
    "delete records of ");
}

} // namespace millrace::client
