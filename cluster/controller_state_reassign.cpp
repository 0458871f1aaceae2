// Other replicas for a partition (KIP-455): the new ones join first, then the
// old ones go.

#include "cluster/controller_state.hpp"
#include "cluster/partition_settling.hpp"
#include "cluster/topic_plan.hpp"

#include <algorithm>
#include <map>

namespace millrace {

namespace {

using nodes = std::vector<node_id>;
using wanted_partition
  = kafka::alter_partition_reassignments_request::reassignable_partition;

nodes without(nodes from, const nodes& what) {
  std::erase_if(from, [&](node_id id) {
    return has_node(what, id);
  });
  return from;
}

bool is_reassigned(const partition_registration& p) {
  return !p.adding.empty() || !p.removing.empty();
}

/// What the partition had before, and has again if this is cancelled.
refusal cancel(partition_registration& p) {
  if (!is_reassigned(p))
    return {kafka_error::no_reassignment_in_progress,
      "No reassignment is in progress."};
  auto isr = without(p.isr, p.adding);
  if (isr.empty())
    return {kafka_error::invalid_request,
      "Only the new replicas are in sync: the reassignment cannot be "
      "cancelled."};
  p.isr = std::move(isr);
  p.replicas = without(p.replicas, p.adding);
  p.adding.clear();
  p.removing.clear();
  return {};
}

refusal retarget(partition_registration& p, const std::vector<int32_t>& wanted,
  bool may_change_count, const metadata_image& image) {
  if (auto why = check_replicas(wanted, 0, image))
    return why;
  const auto target = nodes_of(wanted);
  const auto original = without(p.replicas, p.adding);
  if (!may_change_count && target.size() != original.size())
    return {kafka_error::invalid_replication_factor,
      "The replication factor is changed from "
        + std::to_string(original.size()) + " to "
        + std::to_string(target.size())
        + ", which the request does not allow."};
  p.adding = without(target, original);
  p.removing = without(p.replicas, target);
  p.replicas = target;
  p.replicas.insert(p.replicas.end(), p.removing.begin(), p.removing.end());
  return {};
}

} // namespace

void controller_state::align_directories(
  const partition_registration& before, partition_registration& p) const {
  p.directories.clear();
  for (const auto id : p.replicas) {
    const auto at = replica_index(before, id);
    const auto* broker = image_.find_broker(id);
    if (at < before.directories.size())
      p.directories.push_back(before.directories[at]);
    else
      p.directories.push_back(broker == nullptr || broker->directories.empty()
                                ? uuid{}
                                : broker->directories.front());
  }
}

void controller_state::complete_reassignment(partition_registration& p) const {
  if (!is_reassigned(p))
    return;
  for (const auto id : p.adding)
    if (!has_node(p.isr, id))
      return;
  auto isr = without(p.isr, p.removing);
  if (std::none_of(isr.begin(), isr.end(), [this](node_id id) {
        return image_.is_active(id);
      }))
    return; // somebody must be there to lead
  const auto before = p;
  p.isr = std::move(isr);
  p.replicas = without(p.replicas, p.removing);
  p.adding.clear();
  p.removing.clear();
  align_directories(before, p);
}

std::optional<partition_registration> controller_state::with_leader(
  const partition_registration& before, partition_registration next,
  const replication_rules& rules) const {
  // It may be one of those that go.
  if (next.leader != no_node && !has_node(next.isr, next.leader)) {
    next.leader = no_node;
    if (auto led = settled(next, standings(), rules))
      next = std::move(*led);
  }
  return numbered(before, std::move(next), rules);
}

metadata_decision<kafka::alter_partition_reassignments_response>
controller_state::decide(
  const kafka::alter_partition_reassignments_request& request) const {
  metadata_decision<kafka::alter_partition_reassignments_response> decided;
  decided.reply.allow_replication_factor_change
    = request.allow_replication_factor_change;
  // Of nothing Kafka answers with nothing but defaults.
  if (request.topics.empty()) {
    decided.reply.allow_replication_factor_change = true;
    decided.reply.error_message = "";
  }
  const replication_rules_finder finder{image_, node_};
  std::map<topic_partition, const wanted_partition*> accepted;
  const auto change
    = [&](const std::string& name, const wanted_partition& wanted) -> refusal {
    const auto* topic = image_.find_topic(name);
    const auto* now = topic == nullptr ? nullptr
                                       : image_.find_partition(
                                           topic->id, wanted.partition_index);
    if (now == nullptr)
      return {kafka_error::unknown_topic_or_partition,
        "This server does not host this topic-partition."};
    const topic_partition partition{name, wanted.partition_index};
    if (const auto at = accepted.find(partition); at != accepted.end()) {
      if (at->second->replicas == wanted.replicas)
        return {};
      return {kafka_error::invalid_request,
        "The request wants two different things of the partition."};
    }
    auto next = *now;
    auto why = wanted.replicas
                 ? retarget(next, *wanted.replicas,
                     request.allow_replication_factor_change, image_)
                 : cancel(next);
    if (why)
      return why;
    accepted.emplace(partition, &wanted);
    align_directories(*now, next);
    complete_reassignment(next);
    const auto rules = finder.of(topic->configs);
    if (auto changed = with_leader(*now, std::move(next), rules))
      decided.records.push_back(
        partition_changed{topic->id, std::move(*changed)});
    return {};
  };
  for (const auto& topic : request.topics) {
    auto& answers = decided.reply.responses.emplace_back();
    answers.name = topic.name;
    for (const auto& wanted : topic.partitions) {
      auto& answer = answers.partitions.emplace_back();
      answer.partition_index = wanted.partition_index;
      if (auto refused = change(topic.name, wanted)) {
        answer.error_code = static_cast<int16_t>(refused.error);
        answer.error_message = std::move(refused.message);
      }
    }
  }
  return decided;
}

} // namespace millrace
