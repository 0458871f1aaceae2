#include "apps/client/throttle_admin.hpp"

#include "apps/client/config_admin.hpp"
#include "apps/client/refusal.hpp"
#include "cluster/partition_settling.hpp"

namespace millrace::client {
namespace {

constexpr const char* rates[] = {
  "leader.replication.throttled.rate", "follower.replication.throttled.rate"};
constexpr const char* leaders = "leader.replication.throttled.replicas";
constexpr const char* followers = "follower.replication.throttled.replicas";

void add_replica(std::string& list, int32_t partition, node_id node) {
  list += (list.empty() ? "" : ",") + std::to_string(partition) + ":"
          + std::to_string(node.value);
}

void add(kafka::incremental_alter_configs_request& request,
  config_resource::kind type, const std::string& name,
  const std::vector<config_change>& changes) {
  auto& altered = request.resources.emplace_back();
  altered.resource_type = static_cast<int8_t>(type);
  altered.resource_name = name;
  for (const auto& change : changes)
    altered.configs.push_back(
      {change.name, static_cast<int8_t>(change.value ? 0 : 1), change.value});
}

/// On every live node.
void add_rates(cluster& nodes,
  kafka::incremental_alter_configs_request& request,
  const std::optional<std::string>& rate) {
  for (const auto& [id, broker] : nodes.brokers())
    add(request, config_resource::kind::broker, std::to_string(id),
      {{rates[0], rate}, {rates[1], rate}});
}

result<void> alter(cluster& nodes,
  const kafka::incremental_alter_configs_request& request,
  const std::string& what) {
  auto answer = nodes.ask_controller(request);
  if (!answer)
    return answer.error();
  for (const auto& one : answer->responses)
    // A topic that is gone has no throttle any more.
    if (one.error_code != 0
        && one.error_code
             != static_cast<int16_t>(kafka_error::unknown_topic_or_partition))
      return refused(one.error_code, what, one.error_message);
  return {};
}

} // namespace

std::map<std::string, throttle_lists> throttle_lists_of(
  const std::vector<replica_move>& moves) {
  std::map<std::string, throttle_lists> all;
  for (const auto& move : moves) {
    if (!move.copies_data())
      continue;
    auto& lists = all[move.name.topic];
    for (const auto id : move.from)
      add_replica(lists.leaders, move.name.partition, id);
    for (const auto id : move.to)
      if (!has_node(move.from, id))
        add_replica(lists.followers, move.name.partition, id);
  }
  return all;
}

result<void> set_throttle(
  cluster& nodes, const std::vector<replica_move>& moves, int64_t bytes_per_s) {
  kafka::incremental_alter_configs_request request;
  add_rates(nodes, request, std::to_string(bytes_per_s));
  for (const auto& [topic, lists] : throttle_lists_of(moves))
    add(request, config_resource::kind::topic, topic,
      {{leaders, lists.leaders}, {followers, lists.followers}});
  return alter(nodes, request, "throttle the moves");
}

result<void> clear_throttle(
  cluster& nodes, const std::set<std::string>& topics) {
  kafka::incremental_alter_configs_request request;
  add_rates(nodes, request, std::nullopt);
  for (const auto& topic : topics)
    add(request, config_resource::kind::topic, topic,
      {{leaders, std::nullopt}, {followers, std::nullopt}});
  return alter(nodes, request, "take the throttle off");
}

} // namespace millrace::client
