#include "cluster/consumer_group_member.hpp"

#include <algorithm>
#include <tuple>

namespace millrace {

namespace {

using current_value = kafka::consumer_group_current_member_assignment_value;

std::vector<current_value::owned_topic_partitions> to_list(
  const epoch_set& set) {
  std::vector<current_value::owned_topic_partitions> list;
  list.reserve(set.size());
  for (const auto& [topic, partitions] : set) {
    auto& t = list.emplace_back();
    t.topic_id = topic;
    auto& epochs = t.assignment_epochs.emplace();
    for (const auto& [partition, epoch] : partitions) {
      t.partitions.push_back(partition);
      epochs.push_back(epoch);
    }
  }
  return list;
}

/// Records of Kafka before 4.3 have no epochs: `fallback` for all, so that
/// nothing older is accepted.
epoch_set to_set(const std::vector<current_value::owned_topic_partitions>& list,
  int32_t fallback) {
  epoch_set set;
  for (const auto& t : list)
    for (size_t i = 0; i < t.partitions.size(); ++i) {
      const auto& epochs = t.assignment_epochs;
      set[t.topic_id][t.partitions[i]]
        = epochs && i < epochs->size() ? (*epochs)[i] : fallback;
    }
  return set;
}

/// A phase that a later version has invented means nothing here: the member
/// goes on from what it is assigned.
member_phase to_phase(int8_t state) {
  switch (state) {
  case 1:
    return member_phase::unrevoked_partitions;
  case 2:
    return member_phase::unreleased_partitions;
  default:
    return member_phase::stable;
  }
}

} // namespace

bool consumer_group_member::same_metadata(
  const consumer_group_member& other) const {
  const auto all = [](const consumer_group_member& m) {
    return std::tie(m.id, m.instance_id, m.rack_id, m.client_id, m.client_host,
      m.topic_names, m.topic_regex, m.rebalance_timeout_ms, m.server_assignor,
      m.classic);
  };
  return all(*this) == all(other);
}

std::optional<int32_t> consumer_group_member::assignment_epoch(
  const uuid& topic, int32_t partition) const {
  for (const auto* set : {&assigned, &pending_revocation})
    if (const auto t = set->find(topic); t != set->end())
      if (const auto p = t->second.find(partition); p != t->second.end())
        return p->second;
  return {};
}

partition_set partitions_in(const epoch_set& set) {
  partition_set result;
  for (const auto& [topic, partitions] : set)
    for (const auto& [partition, epoch] : partitions)
      insert(result, topic, partition);
  return result;
}

kafka::consumer_group_member_metadata_value metadata_record(
  const consumer_group_member& member) {
  kafka::consumer_group_member_metadata_value record;
  record.instance_id = member.instance_id;
  record.rack_id = member.rack_id;
  record.client_id = member.client_id;
  record.client_host = member.client_host;
  record.subscribed_topic_names = member.topic_names;
  record.subscribed_topic_regex = member.topic_regex;
  record.rebalance_timeout_ms = member.rebalance_timeout_ms;
  record.server_assignor = member.server_assignor;
  record.classic_member_metadata.reset();
  if (!member.classic)
    return record;
  auto& classic = record.classic_member_metadata.emplace();
  classic.session_timeout_ms = member.classic->session_timeout_ms;
  for (const auto& p : member.classic->protocols)
    classic.supported_protocols.push_back({p.name, p.metadata});
  return record;
}

current_value current_assignment_record(const consumer_group_member& member) {
  current_value record;
  record.member_epoch = member.epoch;
  record.previous_member_epoch = member.previous_epoch;
  record.state = static_cast<int8_t>(member.phase);
  record.assigned_partitions = to_list(member.assigned);
  record.partitions_pending_revocation = to_list(member.pending_revocation);
  return record;
}

void set_metadata(consumer_group_member& member,
  const kafka::consumer_group_member_metadata_value& record) {
  member.instance_id = record.instance_id;
  member.rack_id = record.rack_id;
  member.client_id = record.client_id;
  member.client_host = record.client_host;
  member.topic_names = record.subscribed_topic_names;
  std::ranges::sort(member.topic_names);
  const auto rest = std::ranges::unique(member.topic_names);
  member.topic_names.erase(rest.begin(), rest.end());
  member.topic_regex = record.subscribed_topic_regex.value_or("");
  member.rebalance_timeout_ms = record.rebalance_timeout_ms;
  member.server_assignor = record.server_assignor;
  member.classic.reset();
  const auto& classic = record.classic_member_metadata;
  if (!classic || classic->supported_protocols.empty())
    return;
  auto& side = member.classic.emplace();
  side.session_timeout_ms = classic->session_timeout_ms;
  for (const auto& p : classic->supported_protocols)
    side.protocols.push_back({p.name, p.metadata});
}

void set_current_assignment(
  consumer_group_member& member, const current_value& record) {
  member.epoch = record.member_epoch;
  member.previous_epoch = record.previous_member_epoch;
  member.phase = to_phase(record.state);
  member.assigned = to_set(record.assigned_partitions, record.member_epoch);
  member.pending_revocation
    = to_set(record.partitions_pending_revocation, record.member_epoch);
}

} // namespace millrace
