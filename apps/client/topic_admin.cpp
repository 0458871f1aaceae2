#include "apps/client/topic_admin.hpp"

#include "apps/client/positions.hpp"
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

namespace {

using offsets = std::map<topic_partition, int64_t>;

result<void> delete_at_leader(cluster& nodes, int32_t leader,
  const std::vector<topic_partition>& partitions, const offsets& before,
  int timeout_ms, offsets& starts) {
  kafka::delete_records_request request;
  request.timeout_ms = timeout_ms;
  for (const auto& tp : partitions) {
    if (request.topics.empty() || request.topics.back().name != tp.topic)
      request.topics.push_back({tp.topic, {}});
    request.topics.back().partitions.push_back({tp.partition, before.at(tp)});
  }
  auto to = nodes.node(leader);
  if (!to)
    return to.error();
  auto answer = (*to)->call(request, timeout_ms);
  if (!answer) {
    nodes.drop(*to);
    return answer.error();
  }
  for (const auto& topic : answer->topics) {
    for (const auto& p : topic.partitions) {
      const topic_partition tp{topic.name, p.partition_index};
      if (p.error_code != 0)
        return refused(p.error_code, "delete records of " + to_string(tp));
      starts[tp] = p.low_watermark;
    }
  }
  return {};
}

} // namespace

result<offsets> delete_records(cluster& nodes, const offsets& before) {
  std::vector<topic_partition> partitions;
  for (const auto& [tp, offset] : before)
    partitions.push_back(tp);
  return with_retries(
    nodes.options().timeout_ms, [&](int ms) -> result<offsets> {
      auto groups = group_by_leader(nodes, partitions);
      if (!groups)
        return groups.error();
      offsets starts;
      for (const auto& [leader, mine] : *groups)
        if (auto done
            = delete_at_leader(nodes, leader, mine, before, ms, starts);
          !done)
          return done.error();
      return starts;
    });
}

} // namespace millrace::client
