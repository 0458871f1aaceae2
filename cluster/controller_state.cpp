#include "cluster/controller_state.hpp"

#include "cluster/config_topic.hpp"

#include <algorithm>

namespace millrace {

namespace {

bool contains(const std::vector<node_id>& nodes, node_id id) {
  return std::find(nodes.begin(), nodes.end(), id) != nodes.end();
}

partition_changed new_leader(
  const uuid& topic, partition_registration partition, node_id leader) {
  partition.leader = leader;
  ++partition.epoch.value;
  ++partition.partition_epoch;
  return {topic, std::move(partition)};
}

/// An unclean election: what the others had and this one lacks is given up.
partition_changed alone(
  const uuid& topic, partition_registration partition, node_id leader) {
  partition.isr = {leader};
  return new_leader(topic, std::move(partition), leader);
}

} // namespace

controller_state::controller_state(
  node_config node, metadata_image image, std::function<uuid()> new_uuid)
    : node_(std::move(node)), image_(std::move(image)),
      new_uuid_(std::move(new_uuid)) {}

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

metadata_decision<register_broker_reply> controller_state::decide(
  const register_broker& request) const {
  if (request.id.value < 0)
    return {{kafka_error::invalid_registration,
              "a broker's number is not "
              "negative",
              -1},
      {}};
  if (const auto* known = image_.find_broker(request.id)) {
    if (known->incarnation == request.incarnation)
      return {{kafka_error::none, {}, known->broker_epoch}, {}};
    // R25: the same directory under a new incarnation has been restarted, and
    // its old self is fenced at once. Another directory is another broker.
    if (!known->fenced && known->directories != request.directories)
      return {
        {kafka_error::duplicate_broker_registration,
          "Another broker with another directory is registered as "
            + std::to_string(request.id.value) + " and has not been fenced.",
          -1},
        {}};
  }
  const auto* before = image_.find_broker(request.id);
  const bool kept_data
    = before == nullptr || before->directories == request.directories;
  const auto epoch = image_.next_broker_epoch();
  metadata_decision<register_broker_reply> decided;
  decided.reply.broker_epoch = epoch;
  decided.records.push_back(broker_registered{request.id, request.incarnation,
    request.directories, request.endpoints, request.rack, epoch, false});
  for (auto& command : elect_with(request.id, kept_data))
    decided.records.push_back(std::move(command));
  return decided;
}

metadata_decision<broker_heartbeat_reply> controller_state::decide(
  const broker_heartbeat& request) const {
  const auto* broker = image_.find_broker(request.id);
  if (broker == nullptr)
    return {{kafka_error::broker_id_not_registered}, {}};
  if (broker->broker_epoch != request.broker_epoch)
    return {{kafka_error::stale_broker_epoch}, {}};
  metadata_decision<broker_heartbeat_reply> decided;
  auto& reply = decided.reply;
  // R25: it must know at least that it was registered, or fenced, and why.
  reply.caught_up = request.applied_index >= broker->standing_since;
  reply.fenced = broker->fenced && !reply.caught_up;
  if (!broker->fenced || reply.fenced)
    return decided;
  decided.records.push_back(
    broker_fenced{broker->id, broker->broker_epoch, false});
  for (auto& command : elect_with(broker->id, true))
    decided.records.push_back(std::move(command));
  return decided;
}

bool controller_state::elects_uncleanly(const topic_image& topic) const {
  return effective_topic_config(topic.configs, image_, node_)
    .unclean_leader_election;
}

std::vector<metadata_command> controller_state::elect_with(
  node_id id, bool kept_data) const {
  std::vector<metadata_command> commands;
  for (const auto& [name, topic] : image_.topics()) {
    for (const auto& p : topic->partitions) {
      if (p.leader != no_node || !contains(p.replicas, id))
        continue;
      // On another directory it was the last one in sync, and is it no more.
      if (contains(p.isr, id) && kept_data)
        commands.push_back(new_leader(topic->id, p, id));
      else if (elects_uncleanly(*topic))
        commands.push_back(alone(topic->id, p, id));
    }
  }
  return commands;
}

std::vector<metadata_command> controller_state::decide_fence(node_id id) const {
  const auto* broker = image_.find_broker(id);
  if (broker == nullptr || broker->fenced)
    return {};
  std::vector<metadata_command> commands{
    broker_fenced{id, broker->broker_epoch, true}};
  for (const auto& [name, topic] : image_.topics()) {
    for (const auto& p : topic->partitions) {
      if (!contains(p.isr, id))
        continue;
      auto next = p;
      // The last one in sync stays so: nobody else has all records (R1).
      if (next.isr.size() > 1)
        std::erase(next.isr, id);
      if (p.leader != id) {
        if (next.isr == p.isr)
          continue;
        ++next.partition_epoch;
        commands.push_back(partition_changed{topic->id, std::move(next)});
        continue;
      }
      const auto first_alive = [&](bool in_sync) {
        for (const auto replica : p.replicas)
          if (replica != id && image_.is_alive(replica)
              && (!in_sync || contains(next.isr, replica)))
            return replica;
        return no_node;
      };
      const auto leader = first_alive(true);
      const auto unclean = leader == no_node ? first_alive(false) : no_node;
      if (unclean != no_node && elects_uncleanly(*topic)) {
        commands.push_back(alone(topic->id, p, unclean));
        continue;
      }
      commands.push_back(new_leader(topic->id, std::move(next), leader));
    }
  }
  return commands;
}

metadata_decision<change_isr_reply> controller_state::decide(
  const change_isr& request) const {
  const auto refused = [](kafka_error error) {
    return metadata_decision<change_isr_reply>{{error, {}}, {}};
  };
  const auto* broker = image_.find_broker(request.leader);
  if (broker == nullptr || broker->broker_epoch != request.broker_epoch)
    return refused(kafka_error::stale_broker_epoch);
  if (image_.find_topic(request.topic) == nullptr)
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
  std::vector<node_id> isr;
  for (const auto& member : request.isr) {
    if (!contains(now->replicas, member.id) || contains(isr, member.id))
      return refused(kafka_error::invalid_request);
    const auto* replica = image_.find_broker(member.id);
    // R3: neither a fenced broker (KIP-841) nor an earlier self (KIP-903).
    if (replica == nullptr || replica->fenced
        || (member.broker_epoch != -1
            && member.broker_epoch != replica->broker_epoch))
      return refused(kafka_error::ineligible_replica);
    isr.push_back(member.id);
  }
  if (!contains(isr, request.leader))
    return refused(kafka_error::invalid_request);
  auto next = *now;
  next.isr = std::move(isr);
  ++next.partition_epoch;
  return {{kafka_error::none, next}, {partition_changed{request.topic, next}}};
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
