#include "cluster/share_group_state.hpp"

#include "schema/assert.hpp"

namespace millrace {

namespace {

using partitions_value = kafka::share_group_state_partition_metadata_value;

share_topics topics_of(
  const std::vector<partitions_value::topic_partitions_info>& list) {
  share_topics topics;
  for (const auto& t : list)
    for (const auto partition : t.partitions)
      topics.add(t.topic_id, t.topic_name, partition);
  return topics;
}

std::vector<partitions_value::topic_partitions_info> list_of_topics(
  const share_topics& topics) {
  std::vector<partitions_value::topic_partitions_info> list;
  for (const auto& [id, t] : topics.topics())
    list.push_back({id, t.name, {t.partitions.begin(), t.partitions.end()}});
  return list;
}

} // namespace

void share_topics::add(
  const uuid& id, const std::string& name, int32_t partition) {
  auto& t = topics_[id];
  t.name = name;
  t.partitions.insert(partition);
}

void share_topics::remove(const uuid& id, int32_t partition) {
  const auto it = topics_.find(id);
  if (it == topics_.end())
    return;
  it->second.partitions.erase(partition);
  if (it->second.partitions.empty())
    topics_.erase(it);
}

bool share_topics::contains(const uuid& id, int32_t partition) const {
  const auto it = topics_.find(id);
  return it != topics_.end() && it->second.partitions.contains(partition);
}

const share_group_member* share_group_state::find(const std::string& id) const {
  const auto it = members_.find(id);
  return it == members_.end() ? nullptr : &it->second;
}

const partition_set& share_group_state::target(
  const std::string& member_id) const {
  static const partition_set nothing;
  const auto it = targets_.find(member_id);
  return it == targets_.end() ? nothing : it->second;
}

std::set<std::string> share_group_state::subscribed_topics() const {
  std::set<std::string> names;
  for (const auto& [id, member] : members_)
    names.insert(member.topic_names.begin(), member.topic_names.end());
  return names;
}

partition_set share_group_state::ready(const topic_view& topics) const {
  partition_set set;
  for (const auto& name : subscribed_topics()) {
    const auto* topic = topics.find(name);
    if (!topic || partitions_.deleting.contains(topic->id))
      continue;
    const auto& known = partitions_.initialized.topics();
    if (const auto it = known.find(topic->id); it != known.end())
      for (const auto partition : it->second.partitions)
        if (partition < topic->partitions)
          insert(set, topic->id, partition);
  }
  return set;
}

bool share_group_state::assigns_ready(const topic_view& topics) const {
  partition_set assigned;
  for (const auto& [id, target] : targets_)
    for (const auto& [topic, partitions] : target)
      for (const auto partition : partitions)
        insert(assigned, topic, partition);
  return assigned == ready(topics);
}

void share_group_state::apply(const share_group_record& record) {
  MILLRACE_ASSERT(record.group_id == id_, "a record is of its group");
  std::visit(
    [this](const auto& change) {
      apply_change(change);
    },
    record.change);
}

void share_group_state::apply_change(const record_of::of_member& change) {
  if (!change.value) {
    members_.erase(change.member_id);
    return;
  }
  auto& member = members_[change.member_id];
  member.id = change.member_id;
  member.rack_id = change.value->rack_id;
  member.client_id = change.value->client_id;
  member.client_host = change.value->client_host;
  member.topic_names = change.value->subscribed_topic_names;
}

void share_group_state::apply_change(const record_of::of_group& change) {
  has_epoch_ = change.value.has_value();
  epoch_ = has_epoch_ ? change.value->epoch : first_epoch;
  metadata_hash_ = has_epoch_ ? change.value->metadata_hash : 0;
}

void share_group_state::apply_change(const record_of::of_targets& change) {
  assignment_epoch_ = change.value ? change.value->assignment_epoch : 0;
  assignment_ms_ = change.value ? change.value->assignment_timestamp : 0;
}

void share_group_state::apply_change(const record_of::of_target& change) {
  if (change.value)
    targets_[change.member_id] = partitions_of(change.value->topic_partitions);
  else
    targets_.erase(change.member_id);
}

void share_group_state::apply_change(const record_of::of_current& change) {
  // A tombstone comes before that of the member, or without any.
  if (!change.value && !members_.contains(change.member_id))
    return;
  auto& member = members_[change.member_id];
  member.id = change.member_id;
  const auto value = change.value.value_or(
    kafka::share_group_current_member_assignment_value{});
  member.epoch = value.member_epoch;
  member.previous_epoch = value.previous_member_epoch;
  member.assigned = partitions_of(value.assigned_partitions);
}

void share_group_state::apply_change(const record_of::of_states& change) {
  has_partitions_ = change.value.has_value();
  partitions_ = {};
  if (!change.value)
    return;
  partitions_.initializing = topics_of(change.value->initializing_topics);
  partitions_.initialized = topics_of(change.value->initialized_topics);
  for (const auto& t : change.value->deleting_topics)
    partitions_.deleting[t.topic_id] = t.topic_name;
}

kafka::share_group_member_metadata_value metadata_record(
  const share_group_member& member) {
  return {
    member.rack_id, member.client_id, member.client_host, member.topic_names};
}

kafka::share_group_current_member_assignment_value current_assignment_record(
  const share_group_member& member) {
  using value = kafka::share_group_current_member_assignment_value;
  constexpr int8_t stable = 0;
  return {member.epoch, member.previous_epoch, stable,
    list_of<value::assigned_topic_partitions>(member.assigned)};
}

kafka::share_group_state_partition_metadata_value partitions_record(
  const share_group_partitions& partitions) {
  partitions_value value;
  value.initializing_topics = list_of_topics(partitions.initializing);
  value.initialized_topics = list_of_topics(partitions.initialized);
  for (const auto& [id, name] : partitions.deleting)
    value.deleting_topics.push_back({id, name});
  return value;
}

} // namespace millrace
