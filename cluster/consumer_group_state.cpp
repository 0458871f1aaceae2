#include "cluster/consumer_group_state.hpp"

#include "cluster/topic_hash.hpp"
#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

const char* to_string(consumer_group_phase phase) {
  switch (phase) {
  case consumer_group_phase::empty:
    return "Empty";
  case consumer_group_phase::assigning:
    return "Assigning";
  case consumer_group_phase::reconciling:
    return "Reconciling";
  case consumer_group_phase::stable:
    return "Stable";
  }
  return "Dead";
}

consumer_group_phase consumer_group_state::phase() const {
  if (members_.empty())
    return consumer_group_phase::empty;
  if (epoch_ > assignment_epoch_)
    return consumer_group_phase::assigning;
  const bool reconciled = std::ranges::all_of(members_, [&](const auto& m) {
    return m.second.is_reconciled_to(assignment_epoch_);
  });
  return reconciled ? consumer_group_phase::stable
                    : consumer_group_phase::reconciling;
}

bool consumer_group_state::is_settled() const {
  return epoch_ == assignment_epoch_
         && std::ranges::all_of(members_, [&](const auto& m) {
              return m.second.is_away()
                     || m.second.is_reconciled_to(assignment_epoch_);
            });
}

const consumer_group_member* consumer_group_state::find(
  const std::string& id) const {
  const auto it = members_.find(id);
  return it == members_.end() ? nullptr : &it->second;
}

const consumer_group_member* consumer_group_state::find_static(
  const std::string& instance_id) const {
  const auto it = static_members_.find(instance_id);
  return it == static_members_.end() ? nullptr : find(it->second);
}

const partition_set& consumer_group_state::target(
  const std::string& member_id) const {
  static const partition_set nothing;
  const auto it = targets_.find(member_id);
  return it == targets_.end() ? nothing : it->second;
}

bool consumer_group_state::is_held(const uuid& topic, int32_t partition) const {
  const auto it = holds_.find(topic);
  return it != holds_.end() && it->second.contains(partition);
}

bool consumer_group_state::uses_regex(const std::string& regex) const {
  return std::ranges::any_of(members_, [&](const auto& m) {
    return m.second.topic_regex == regex;
  });
}

std::set<std::string> consumer_group_state::subscription(
  const consumer_group_member& member) const {
  std::set<std::string> names(
    member.topic_names.begin(), member.topic_names.end());
  if (const auto it = regexes_.find(member.topic_regex); it != regexes_.end())
    names.insert(it->second.topics.begin(), it->second.topics.end());
  return names;
}

std::set<std::string> consumer_group_state::subscribed_topics() const {
  std::set<std::string> names;
  for (const auto& [id, member] : members_)
    names.insert(member.topic_names.begin(), member.topic_names.end());
  for (const auto& [regex, resolved] : regexes_)
    if (uses_regex(regex))
      names.insert(resolved.topics.begin(), resolved.topics.end());
  return names;
}

int64_t consumer_group_state::subscribed_hash(const topic_view& topics) const {
  return topic_hash(subscribed_topics(), topics);
}

const std::string& consumer_group_state::preferred_assignor(
  const std::vector<std::string>& known) const {
  MILLRACE_ASSERT(!known.empty(), "there is an assignor");
  const auto votes = [&](const std::string& name) {
    return std::ranges::count_if(members_, [&](const auto& m) {
      return m.second.server_assignor == name;
    });
  };
  return *std::ranges::max_element(known, {}, votes);
}

void consumer_group_state::apply(const consumer_group_record& record) {
  MILLRACE_ASSERT(record.group_id == id_, "a record is of its group");
  std::visit(
    [this](const auto& change) {
      apply_change(change);
    },
    record.change);
}

void consumer_group_state::apply_change(const record_of::of_group& change) {
  exists_ = change.value.has_value();
  epoch_ = exists_ ? change.value->epoch : first_epoch;
  metadata_hash_ = exists_ ? change.value->metadata_hash : 0;
}

void consumer_group_state::apply_change(const record_of::of_topics&) {
  // The hash of of_group took its place; without one the group is assigned
  // again.
}

void consumer_group_state::apply_change(const record_of::of_member& change) {
  if (!change.value) {
    remove(change.member_id);
    return;
  }
  auto& member = members_[change.member_id];
  member.id = change.member_id;
  if (member.instance_id)
    static_members_.erase(*member.instance_id);
  set_metadata(member, *change.value);
  if (member.instance_id)
    static_members_[*member.instance_id] = member.id;
}

void consumer_group_state::apply_change(const record_of::of_targets& change) {
  assignment_epoch_ = change.value ? change.value->assignment_epoch : 0;
  assignment_ms_ = change.value ? change.value->assignment_timestamp : 0;
}

void consumer_group_state::apply_change(const record_of::of_target& change) {
  if (change.value)
    targets_[change.member_id] = partitions_of(change.value->topic_partitions);
  else
    targets_.erase(change.member_id);
}

void consumer_group_state::apply_change(const record_of::of_current& change) {
  // A tombstone comes before that of the member, or without any.
  if (!change.value && !members_.contains(change.member_id))
    return;
  auto& member = members_[change.member_id];
  member.id = change.member_id;
  count_holds(member, -1);
  set_current_assignment(
    member, change.value.value_or(
              kafka::consumer_group_current_member_assignment_value{}));
  count_holds(member, 1);
}

void consumer_group_state::apply_change(const record_of::of_regex& change) {
  if (change.value)
    regexes_[change.regex] = *change.value;
  else
    regexes_.erase(change.regex);
}

void consumer_group_state::remove(const std::string& member_id) {
  const auto it = members_.find(member_id);
  if (it == members_.end())
    return;
  count_holds(it->second, -1);
  const auto& instance = it->second.instance_id;
  if (instance)
    if (const auto owner = static_members_.find(*instance);
      owner != static_members_.end() && owner->second == member_id)
      static_members_.erase(owner);
  members_.erase(it);
}

void consumer_group_state::count_holds(
  const consumer_group_member& member, int32_t change) {
  for (const auto* set : {&member.assigned, &member.pending_revocation})
    for (const auto& [topic, partitions] : *set) {
      auto& counts = holds_[topic];
      for (const auto& [partition, epoch] : partitions)
        if ((counts[partition] += change) == 0)
          counts.erase(partition);
      if (counts.empty())
        holds_.erase(topic);
    }
}

} // namespace millrace
