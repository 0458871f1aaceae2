#include "cluster/consumer_group_change.hpp"

#include "cluster/assignor.hpp"
#include "cluster/topic_regex.hpp"
#include "schema/assert.hpp"

namespace millrace {

namespace {

/// The group as an assignor sees it.
assignor_input input_of(
  const consumer_group_state& group, const topic_view& topics) {
  assignor_input input;
  for (const auto& name : group.subscribed_topics())
    if (const auto* topic = topics.find(name))
      input.topics[topic->id] = topic->partitions;
  for (const auto& [id, member] : group.members()) {
    auto& m = input.members[id];
    std::set<uuid> ids;
    for (const auto& name : group.subscription(member))
      if (const auto* topic = topics.find(name))
        ids.insert(topic->id);
    m.topics.assign(ids.begin(), ids.end());
    m.owned = group.target(id);
    m.instance = member.instance_id;
  }
  return input;
}

} // namespace

void consumer_group_change::set_metadata(const consumer_group_member& member) {
  const auto* known = group_.find(member.id);
  if (!known || !known->same_metadata(member))
    emit(record_of::of_member{member.id, metadata_record(member)});
}

void consumer_group_change::replace(
  const std::string& old_id, const std::string& new_id) {
  const auto* old = group_.find(old_id);
  MILLRACE_ASSERT(old, "a static member is replaced where it is");
  auto member = *old;
  const auto target = group_.target(old_id);
  remove(old_id);
  member.id = new_id;
  member.epoch = 0;
  member.previous_epoch = 0;
  member.phase = member_phase::stable;
  member.pending_revocation.clear();
  set_metadata(member);
  emit_target(new_id, target);
  emit_current(member);
}

void consumer_group_change::go_away(const std::string& member_id) {
  auto member = *group_.find(member_id);
  member.epoch = consumer_group_member::epoch_away;
  member.phase = member_phase::stable;
  member.pending_revocation.clear();
  emit_current(member);
}

void consumer_group_change::remove(const std::string& member_id) {
  const auto id = member_id; // perhaps the member's own, which goes
  emit(record_of::of_current{id, {}});
  emit(record_of::of_target{id, {}});
  emit(record_of::of_member{id, {}});
}

bool consumer_group_change::resolve_regexes(bool all) {
  const auto known = group_.regexes(); // a copy: it changes below
  for (const auto& [regex, resolved] : known)
    if (!group_.uses_regex(regex))
      emit(record_of::of_regex{regex, {}});
  std::set<std::string> used;
  for (const auto& [id, member] : group_.members())
    if (!member.topic_regex.empty())
      used.insert(member.topic_regex);
  bool changed = false;
  for (const auto& regex : used) {
    const auto it = known.find(regex);
    if (it != known.end() && !all)
      continue;
    auto names = topics_matching(regex, topics_);
    if (it != known.end() && it->second.topics == names)
      continue;
    changed = true;
    emit(record_of::of_regex{
      regex, kafka::consumer_group_regular_expression_value{
               std::move(names), topics_.version(), wall_ms_}});
  }
  return changed;
}

bool consumer_group_change::start_epoch(bool changed) {
  const auto hash = group_.subscribed_hash(topics_);
  if (!changed && hash == group_.metadata_hash())
    return false;
  emit(record_of::of_group{
    kafka::consumer_group_metadata_value{group_.epoch() + 1, hash}});
  return true;
}

bool consumer_group_change::is_due(bool urgent) const {
  if (group_.epoch() <= group_.assignment_epoch())
    return false;
  const auto age_ms = wall_ms_ - group_.assignment_ms();
  // The wall clock may have gone back meanwhile.
  return urgent || age_ms < 0 || age_ms >= config_.assignment_interval_ms;
}

void consumer_group_change::assign(bool urgent) {
  if (!is_due(urgent))
    return;
  const auto& name = group_.preferred_assignor(config_.assignors);
  const auto assignor = find_assignor(name);
  MILLRACE_ASSERT(assignor, "the configuration names assignors that exist");
  for (const auto& [id, target] : assignor(input_of(group_, topics_)))
    if (target != group_.target(id))
      emit_target(id, target);
  emit(record_of::of_targets{
    kafka::consumer_group_target_assignment_metadata_value{
      group_.epoch(), wall_ms_}});
}

void consumer_group_change::reconcile(
  const std::string& member_id, const owned_claim& owned) {
  const auto* member = group_.find(member_id);
  MILLRACE_ASSERT(member, "members are reconciled");
  const auto after = millrace::reconcile(group_, *member, topics_, owned);
  if (after != *member)
    emit_current(after);
}

void consumer_group_change::erase() {
  while (!group_.members().empty())
    remove(group_.members().begin()->first);
  while (!group_.regexes().empty()) {
    const auto regex = group_.regexes().begin()->first;
    emit(record_of::of_regex{regex, {}});
  }
  emit(record_of::of_targets{});
  emit(record_of::of_group{});
}

template <class Change>
void consumer_group_change::emit(Change change) {
  records_.push_back({group_.id(), std::move(change)});
  group_.apply(records_.back());
}

void consumer_group_change::emit_current(const consumer_group_member& member) {
  emit(record_of::of_current{member.id, current_assignment_record(member)});
}

void consumer_group_change::emit_target(
  const std::string& member_id, const partition_set& target) {
  using value = kafka::consumer_group_target_assignment_member_value;
  emit(record_of::of_target{
    member_id, value{list_of<value::target_topic_partitions>(target)}});
}

} // namespace millrace
