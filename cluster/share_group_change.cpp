#include "cluster/share_group_change.hpp"

#include "cluster/share_assignor.hpp"
#include "cluster/topic_hash.hpp"
#include "schema/assert.hpp"

namespace millrace {

namespace {

/// The group as an assignor sees it.
assignor_input input_of(
  const share_group_state& group, const topic_view& topics) {
  assignor_input input;
  for (const auto& name : group.subscribed_topics())
    if (const auto* topic = topics.find(name))
      input.topics[topic->id] = topic->partitions;
  for (const auto& [id, member] : group.members()) {
    std::set<uuid> ids;
    for (const auto& name : member.topic_names)
      if (const auto* topic = topics.find(name))
        ids.insert(topic->id);
    auto& m = input.members[id];
    m.topics.assign(ids.begin(), ids.end());
    m.owned = group.target(id);
  }
  return input;
}

} // namespace

void share_group_change::set_metadata(const share_group_member& member) {
  auto value = metadata_record(member);
  const auto* known = group_.find(member.id);
  if (!known || metadata_record(*known) != value)
    emit(record_of::of_member{member.id, std::move(value)});
}

void share_group_change::remove(const std::string& member_id) {
  const auto id = member_id; // perhaps the member's own, which goes
  emit(record_of::of_current{id, {}});
  emit(record_of::of_target{id, {}});
  emit(record_of::of_member{id, {}});
}

bool share_group_change::start_epoch(const topic_view& topics, bool changed) {
  const auto hash = topic_hash(group_.subscribed_topics(), topics);
  if (!changed && hash == group_.metadata_hash())
    return false;
  emit(record_of::of_group{
    kafka::share_group_metadata_value{group_.epoch() + 1, hash}});
  return true;
}

bool share_group_change::is_due(int32_t interval_ms) const {
  if (group_.epoch() <= group_.assignment_epoch())
    return false;
  const auto age_ms = wall_ms_ - group_.assignment_ms();
  // The wall clock may have gone back meanwhile.
  return age_ms < 0 || age_ms >= interval_ms;
}

void share_group_change::assign(const topic_view& topics, int32_t interval_ms) {
  if (!is_due(interval_ms))
    return;
  using value = kafka::share_group_target_assignment_member_value;
  const auto targets
    = assign_simple(input_of(group_, topics), group_.ready(topics));
  for (const auto& [id, target] : targets)
    if (target != group_.target(id))
      emit(record_of::of_target{
        id, value{list_of<value::target_topic_partitions>(target)}});
  emit(
    record_of::of_targets{kafka::share_group_target_assignment_metadata_value{
      group_.epoch(), wall_ms_}});
}

void share_group_change::reconcile(const std::string& member_id) {
  const auto* member = group_.find(member_id);
  MILLRACE_ASSERT(member, "members are reconciled");
  if (member->epoch == group_.assignment_epoch()
      && member->assigned == group_.target(member_id))
    return;
  auto after = *member;
  if (after.epoch != group_.assignment_epoch())
    after.previous_epoch = after.epoch;
  after.epoch = group_.assignment_epoch();
  after.assigned = group_.target(member_id);
  emit(record_of::of_current{member_id, current_assignment_record(after)});
}

void share_group_change::initialize_subscribed(const topic_view& topics) {
  auto partitions = group_.partitions();
  for (const auto& name : group_.subscribed_topics()) {
    const auto* topic = topics.find(name);
    if (!topic || partitions.deleting.contains(topic->id))
      continue;
    for (int32_t p = 0; p < topic->partitions; ++p)
      if (!partitions.initialized.contains(topic->id, p))
        partitions.initializing.add(topic->id, name, p);
  }
  emit_partitions(partitions);
}

void share_group_change::initialize(
  const uuid& topic, const std::string& name, int32_t partition) {
  auto partitions = group_.partitions();
  partitions.initializing.add(topic, name, partition);
  emit_partitions(partitions);
}

void share_group_change::initialized(const std::vector<partition_name>& done) {
  auto partitions = group_.partitions();
  for (const auto& [topic, partition] : done) {
    const auto it = partitions.initializing.topics().find(topic);
    if (it == partitions.initializing.topics().end()
        || !it->second.partitions.contains(partition))
      continue; // deleted meanwhile
    partitions.initialized.add(topic, it->second.name, partition);
    partitions.initializing.remove(topic, partition);
  }
  emit_partitions(partitions);
}

void share_group_change::start_deleting(
  const uuid& topic, const std::string& name) {
  auto partitions = group_.partitions();
  partitions.initializing.remove(topic);
  partitions.initialized.remove(topic);
  partitions.deleting[topic] = name;
  emit_partitions(partitions);
}

void share_group_change::forget(const std::set<uuid>& topics) {
  auto partitions = group_.partitions();
  for (const auto& topic : topics) {
    partitions.initializing.remove(topic);
    partitions.initialized.remove(topic);
    partitions.deleting.erase(topic);
  }
  emit_partitions(partitions);
}

void share_group_change::erase() {
  while (!group_.members().empty())
    remove(group_.members().begin()->first);
  emit(record_of::of_targets{});
  emit(record_of::of_states{});
  emit(record_of::of_group{});
}

template <class Change>
void share_group_change::emit(Change change) {
  records_.push_back({group_.id(), std::move(change)});
  group_.apply(records_.back());
}

void share_group_change::emit_partitions(
  const share_group_partitions& partitions) {
  if (partitions != group_.partitions())
    emit(record_of::of_states{partitions_record(partitions)});
}

} // namespace millrace
