#include "cluster/controller_state.hpp"

#include "cluster/partition_settling.hpp"

#include <algorithm>

namespace millrace {

controller_state::controller_state(node_config node, metadata_image image,
  std::function<uuid()> new_uuid, std::function<bool(node_id)> heard)
    : node_(std::move(node)), image_(std::move(image)),
      new_uuid_(std::move(new_uuid)), heard_(std::move(heard)) {
  if (!heard_)
    heard_ = [](node_id) {
      return true;
    };
}

void controller_state::apply(
  const metadata_command& command, int64_t index, int64_t term) {
  image_.apply(command, index, term);
}

std::vector<metadata_command> controller_state::decide_bootstrap() const {
  if (!image_.cluster_id().empty())
    return {};
  const auto id
    = node_.cluster_id.empty() ? to_string(fresh_uuid()) : node_.cluster_id;
  return {cluster_created{id}};
}

uuid controller_state::fresh_uuid() const {
  // An id that begins with `-` looks like an option on a command line.
  while (true) {
    const auto id = new_uuid_();
    if (!id.is_zero() && to_string(id).front() != '-'
        && image_.find_topic(id) == nullptr)
      return id;
  }
}

metadata_decision<change_isr_reply> controller_state::decide(
  const change_isr& request) const {
  const auto refused = [](kafka_error error) {
    return metadata_decision<change_isr_reply>{{error, {}}, {}};
  };
  const auto* broker = image_.find_broker(request.leader);
  if (broker == nullptr || broker->broker_epoch != request.broker_epoch)
    return refused(kafka_error::stale_broker_epoch);
  const auto* topic = image_.find_topic(request.topic);
  if (topic == nullptr)
    return refused(kafka_error::unknown_topic_id);
  const auto* now = image_.find_partition(request.topic, request.partition);
  if (now == nullptr)
    return refused(kafka_error::unknown_topic_or_partition);
  if (now->leader != request.leader || request.epoch < now->epoch)
    return refused(kafka_error::fenced_leader_epoch);
  // A leader ahead of this state has heard from a newer controller.
  if (request.epoch > now->epoch)
    return refused(kafka_error::not_controller);
  if (request.partition_epoch != now->partition_epoch)
    return refused(kafka_error::invalid_update_version);
  const bool leaves = std::none_of(
    request.isr.begin(), request.isr.end(), [&](const auto& member) {
      return member.id == request.leader;
    });
  auto next = *now;
  next.isr.clear();
  for (const auto& member : request.isr) {
    // One that leaves lets nobody in.
    if (!has_node(leaves ? now->isr : now->replicas, member.id)
        || has_node(next.isr, member.id))
      return refused(kafka_error::invalid_request);
    const auto* replica = image_.find_broker(member.id);
    // R3: neither a fenced broker nor one about to end (KIP-841), nor an
    // earlier self (KIP-903). A leader about to end may still find a successor.
    if (replica == nullptr || replica->fenced
        || (replica->shutting_down && member.id != request.leader)
        || (member.broker_epoch != -1
            && member.broker_epoch != replica->broker_epoch))
      return refused(kafka_error::ineligible_replica);
    next.isr.push_back(member.id);
    // Its leader has heard from its new self.
    if (member.broker_epoch != -1)
      forget_cut(next, member.id);
    // What it has lost, or had elsewhere, it has fetched again.
    if (!has_its_directory(*now, member.id, replica->directories)
        && !replica->directories.empty())
      next.directories[replica_index(*now, member.id)]
        = replica->directories.front();
  }
  if (next.isr.empty())
    return refused(kafka_error::invalid_request);
  complete_reassignment(next);
  auto rules = replication_rules_finder{image_, node_}.of(topic->configs);
  rules.unclean = rules.unclean && !leaves;
  auto changed = with_leader(*now, std::move(next), rules);
  if (leaves && changed) {
    if (changed->leader == no_node)
      return refused(kafka_error::ineligible_replica);
    std::erase(changed->eligible, request.leader);
  }
  if (!changed) {
    // A leader that does not know what became of an earlier request asks for
    // what it has: from here on that request is of an older partition epoch,
    // and cannot come true any more (KIP-497).
    changed = *now;
    ++changed->partition_epoch;
  }
  return {
    {kafka_error::none, *changed}, {partition_changed{topic->id, *changed}}};
}

metadata_decision<allocate_producer_ids_reply> controller_state::decide(
  const allocate_producer_ids& request) const {
  const auto* broker = image_.find_broker(request.broker);
  if (broker == nullptr)
    return {{kafka_error::broker_id_not_registered, {}, 0}, {}};
  if (broker->broker_epoch != request.broker_epoch)
    return {{kafka_error::stale_broker_epoch, {}, 0}, {}};
  const auto first = image_.next_producer_id();
  if (first.value > INT64_MAX - producer_id_block_size)
    return {{kafka_error::unknown_server_error, {}, 0}, {}};
  return {{kafka_error::none, first, producer_id_block_size},
    {producer_ids_allocated{first, producer_id_block_size, request.broker}}};
}

} // namespace millrace
