#include "cluster/group_migration.hpp"

#include "cluster/embedded_protocol.hpp"

#include <algorithm>
#include <map>

namespace millrace {

namespace {

using record_of = consumer_group_record;

using subscription_map
  = std::map<std::string, kafka::consumer_protocol_subscription>;

/// What every member has told of itself.
result<subscription_map> subscriptions_in(const group_state& group) {
  subscription_map all;
  for (const auto& [id, m] : group.members()) {
    const auto& name = group.protocol_name().value_or(m.protocols[0].name);
    auto subscription = read_subscription(m.metadata(name));
    MILLRACE_TRY(subscription);
    all.emplace(id, std::move(*subscription));
  }
  return all;
}

using owned_map = std::map<std::string, partition_set>;

/// What members have said in JoinGroup that they own; those of an older
/// generation have lost what they say.
owned_map claims_in(
  const subscription_map& subscriptions, const topic_view& topics) {
  int32_t newest = -1;
  for (const auto& [id, said] : subscriptions)
    newest = std::max(newest, said.generation_id);
  owned_map claims;
  for (const auto& [id, said] : subscriptions)
    if (said.generation_id == newest)
      claims[id] = partitions_by_name(said.owned_partitions, topics);
  return claims;
}

/// What members have been assigned.
result<owned_map> assigned_in(
  const group_state& group, const topic_view& topics) {
  owned_map assigned;
  for (const auto& [id, m] : group.members()) {
    auto part = read_assignment(m.assignment, topics);
    MILLRACE_TRY(part);
    assigned[id] = std::move(*part);
  }
  return assigned;
}

epoch_set since(const partition_set& partitions, int32_t generation) {
  epoch_set set;
  for (const auto& [topic, list] : partitions)
    for (const auto partition : list)
      set[topic][partition] = generation;
  return set;
}

/// A member of the classic group as one of the other.
consumer_group_member upgraded(const group_member& from, int32_t generation,
  const kafka::consumer_protocol_subscription& subscription) {
  consumer_group_member member;
  member.id = from.id;
  member.instance_id = from.instance_id;
  member.rack_id = subscription.rack_id;
  member.client_id = from.client_id;
  member.client_host = from.client_host;
  member.topic_names = subscription.topics;
  member.rebalance_timeout_ms = from.rebalance_timeout_ms;
  member.classic = classic_side{from.session_timeout_ms, from.protocols};
  member.epoch = generation;
  member.previous_epoch = generation;
  return member;
}

partition_set part_of(const owned_map& owned, const std::string& id) {
  const auto it = owned.find(id);
  return it == owned.end() ? partition_set{} : it->second;
}

/// All members with what they own.
result<std::vector<consumer_group_member>> upgraded_members(
  const group_state& group, const topic_view& topics) {
  const auto subscriptions = subscriptions_in(group);
  MILLRACE_TRY(subscriptions);
  const auto claims = claims_in(*subscriptions, topics);
  auto assigned = assigned_in(group, topics);
  MILLRACE_TRY(assigned);
  if (group.phase() == group_phase::completing_rebalance)
    assigned = claims; // nothing is assigned yet
  partition_set taken;
  for (const auto& [id, part] : *assigned)
    for (const auto& [topic, list] : part)
      for (const auto partition : list)
        insert(taken, topic, partition);
  const auto generation = group.generation();
  std::vector<consumer_group_member> members;
  for (const auto& [id, from] : group.members()) {
    auto& m
      = members.emplace_back(upgraded(from, generation, subscriptions->at(id)));
    m.assigned = since(part_of(*assigned, id), generation);
    // What was taken from it just now it may still be giving up.
    const auto rest = without(part_of(claims, id), taken);
    m.pending_revocation = since(rest, generation);
    if (!rest.empty())
      m.phase = member_phase::unrevoked_partitions;
  }
  return members;
}

record_of::of_target target_record(const consumer_group_member& member) {
  using value = kafka::consumer_group_target_assignment_member_value;
  return {member.id, value{list_of<value::target_topic_partitions>(
                       partitions_in(member.assigned))}};
}

} // namespace

result<std::vector<consumer_group_record>> upgraded(
  const group_state& group, const topic_view& topics, int64_t wall_ms) {
  const auto members = upgraded_members(group, topics);
  MILLRACE_TRY(members);
  consumer_group_state after{group.id()};
  std::vector<consumer_group_record> records;
  const auto emit = [&](auto change) {
    records.push_back({group.id(), std::move(change)});
    after.apply(records.back());
  };
  for (const auto& member : *members) {
    emit(record_of::of_member{member.id, metadata_record(member)});
    emit(target_record(member));
    emit(record_of::of_current{member.id, current_assignment_record(member)});
  }
  emit(record_of::of_group{kafka::consumer_group_metadata_value{
    group.generation(), after.subscribed_hash(topics)}});
  emit(record_of::of_targets{
    kafka::consumer_group_target_assignment_metadata_value{
      group.generation(), wall_ms}});
  return records;
}

group_state downgraded(const consumer_group_state& group,
  const topic_view& topics, int64_t now_ms, int64_t wall_ms) {
  std::vector<group_member> members;
  for (const auto& [id, from] : group.members()) {
    auto& member = members.emplace_back();
    member.id = id;
    member.instance_id = from.instance_id;
    member.client_id = from.client_id;
    member.client_host = from.client_host;
    member.session_timeout_ms = from.classic->session_timeout_ms;
    member.rebalance_timeout_ms = from.rebalance_timeout_ms;
    member.protocols = from.classic->protocols;
    member.assignment = write_assignment(
      member.protocols[0].metadata, partitions_in(from.assigned), topics);
  }
  return {group.id(), std::move(members), group.epoch(), now_ms, wall_ms};
}

} // namespace millrace
