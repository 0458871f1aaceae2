// Elections that somebody asks for (KIP-460), and brokers that are taken off
// the list.

#include "cluster/controller_state.hpp"
#include "cluster/partition_settling.hpp"
#include "cluster/refusal.hpp"

namespace millrace {

namespace {

constexpr int8_t preferred_election = 0;
constexpr int8_t unclean_election = 1;

/// The first replica leads, if it can without losing anything.
refusal lead_by_preferred(
  partition_registration& p, const broker_standings& brokers) {
  const auto preferred = p.replicas.front();
  if (p.leader == preferred)
    return {kafka_error::election_not_needed,
      "Leader election not needed for topic partition."};
  if (!has_node(p.isr, preferred) || find_cut(p, preferred) != nullptr
      || !can_lead(p, preferred, brokers))
    return {kafka_error::preferred_leader_not_available,
      "The preferred leader was not available."};
  p.leader = preferred;
  return {};
}

} // namespace

refusal controller_state::elect(const topic_image& topic,
  const partition_registration& p, int8_t type,
  std::vector<metadata_command>& commands) const {
  const replication_rules_finder finder{image_, node_};
  auto rules = finder.of(topic.configs);
  std::optional<partition_registration> changed;
  if (type == preferred_election) {
    auto next = p;
    if (auto refused = lead_by_preferred(next, standings()))
      return refused;
    if (auto led = settled(next, standings(), rules))
      next = std::move(*led);
    changed = numbered(p, std::move(next), rules);
  } else {
    if (p.leader != no_node && image_.is_active(p.leader))
      return {kafka_error::election_not_needed,
        "Leader election not needed for topic partition."};
    rules.unclean = true;
    changed = settled(p, standings(), rules);
    if (!changed || changed->leader == no_node)
      return {kafka_error::eligible_leaders_not_available,
        "Eligible topic partition leaders are not available."};
  }
  MILLRACE_ASSERT(changed.has_value(), "an election has a new leader");
  commands.push_back(partition_changed{topic.id, std::move(*changed)});
  return {};
}

metadata_decision<kafka::elect_leaders_response> controller_state::decide(
  const kafka::elect_leaders_request& request) const {
  metadata_decision<kafka::elect_leaders_response> decided;
  auto& results = decided.reply.replica_election_results;
  if (request.election_type != preferred_election
      && request.election_type != unclean_election) {
    const refusal refused{kafka_error::invalid_request,
      "There is no election of type " + std::to_string(request.election_type)};
    // Of nothing nothing can be wrong.
    if (!request.topic_partitions || !request.topic_partitions->empty())
      decided.reply.error_code = static_cast<int16_t>(refused.error);
    if (request.topic_partitions)
      for (const auto& wanted : *request.topic_partitions) {
        auto& result = results.emplace_back();
        result.topic = wanted.topic;
        for (const auto index : wanted.partitions)
          result.partition_result.push_back(
            {index, decided.reply.error_code, refused.message});
      }
    return decided;
  }
  const auto answer = [](auto& result, int32_t partition, refusal refused) {
    auto& one = result.partition_result.emplace_back();
    one.partition_id = partition;
    one.error_code = static_cast<int16_t>(refused.error);
    if (refused)
      one.error_message = std::move(refused.message);
  };
  if (!request.topic_partitions) {
    // All that need it: the others are not mentioned.
    for (const auto& [name, topic] : image_.topics()) {
      kafka::elect_leaders_response::replica_election_result result;
      result.topic = name;
      for (const auto& p : topic->partitions) {
        auto refused = elect(*topic, p, request.election_type, decided.records);
        if (refused.error != kafka_error::election_not_needed)
          answer(result, p.index, std::move(refused));
      }
      if (!result.partition_result.empty())
        results.push_back(std::move(result));
    }
    return decided;
  }
  // Who is named twice is elected once, and told so twice.
  std::map<topic_partition, refusal> seen;
  for (const auto& wanted : *request.topic_partitions) {
    auto& result = results.emplace_back();
    result.topic = wanted.topic;
    const auto* topic = image_.find_topic(wanted.topic);
    for (const auto index : wanted.partitions) {
      const auto* p
        = topic == nullptr ? nullptr : image_.find_partition(topic->id, index);
      if (p == nullptr)
        answer(result, index,
          {kafka_error::unknown_topic_or_partition,
            "No such topic or partition as " + wanted.topic + "-"
              + std::to_string(index)});
      else {
        const auto [at, first] = seen.try_emplace({wanted.topic, index});
        if (first)
          at->second
            = elect(*topic, *p, request.election_type, decided.records);
        answer(result, index, at->second);
      }
    }
  }
  return decided;
}

metadata_decision<kafka::unregister_broker_response> controller_state::decide(
  const kafka::unregister_broker_request& request) const {
  metadata_decision<kafka::unregister_broker_response> decided;
  const node_id id{request.broker_id};
  if (image_.find_broker(id) == nullptr) {
    decided.reply.error_code
      = static_cast<int16_t>(kafka_error::broker_id_not_registered);
    decided.reply.error_message = "Broker ID " + std::to_string(id.value)
                                  + " is not currently registered";
    return decided;
  }
  decided.records = decide_fence(id);
  decided.records.push_back(broker_removed{id});
  return decided;
}

} // namespace millrace
