#include "cluster/consumer_group_reconciler.hpp"

#include "schema/planted_bug.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// One step of one member.
class step {
public:
  step(const consumer_group_state& group, const consumer_group_member& member,
    const topic_view& topics, const owned_claim& owned)
      : group_(group), member_(member), topics_(topics), owned_(owned) {}

  consumer_group_member take() const {
    switch (member_.phase) {
    case member_phase::stable:
      if (member_.epoch == group_.assignment_epoch())
        return drop_unsubscribed();
      return next(member_.epoch);
    case member_phase::unrevoked_partitions:
      if (still_owns(member_.pending_revocation))
        return drop_unsubscribed();
      // It has given them up: what may come next is of the next epoch.
      return next(std::min(member_.epoch + 1, group_.assignment_epoch()));
    case member_phase::unreleased_partitions:
      return next(member_.epoch);
    }
    return member_;
  }

private:
  std::set<uuid> subscribed_ids() const {
    std::set<uuid> ids;
    for (const auto& name : group_.subscription(member_))
      if (const auto* topic = topics_.find(name))
        ids.insert(topic->id);
    return ids;
  }

  /// The target as far as the member still subscribes to it: an older target
  /// may have more.
  partition_set reachable_target() const {
    auto target = group_.target(member_.id);
    const auto ids = subscribed_ids();
    std::erase_if(target, [&](const auto& entry) {
      return !ids.contains(entry.first);
    });
    return target;
  }

  /// Who does not say what it owns may still own all of it.
  bool still_owns(const epoch_set& set) const {
    return !owned_ || !common_to(*owned_, partitions_in(set)).empty();
  }

  /// Splits what is assigned: `keep` says which topics' partitions stay.
  template <class Keep>
  static void split(
    const epoch_set& assigned, Keep keep, epoch_set& kept, epoch_set& dropped) {
    for (const auto& [topic, partitions] : assigned)
      for (const auto& [partition, epoch] : partitions)
        (keep(topic, partition) ? kept : dropped)[topic][partition] = epoch;
  }

  /// What it no longer subscribes to must go, whatever the target says.
  consumer_group_member drop_unsubscribed() const {
    const auto ids = subscribed_ids();
    epoch_set kept;
    epoch_set dropped;
    split(
      member_.assigned,
      [&](const uuid& topic, int32_t) {
        return ids.contains(topic);
      },
      kept, dropped);
    if (dropped.empty())
      return member_;
    auto after = member_;
    after.assigned = std::move(kept);
    if (!still_owns(dropped))
      return after;
    after.phase = member_phase::unrevoked_partitions;
    for (const auto& [topic, partitions] : dropped)
      after.pending_revocation[topic].insert(
        partitions.begin(), partitions.end());
    return after;
  }

  consumer_group_member next(int32_t epoch) const {
    const auto target = reachable_target();
    auto after = member_;
    epoch_set revoked;
    after.assigned.clear();
    after.pending_revocation.clear();
    split(
      member_.assigned,
      [&](const uuid& topic, int32_t partition) {
        return contains(target, topic, partition);
      },
      after.assigned, revoked);
    if (!revoked.empty() && still_owns(revoked)) {
      after.phase = member_phase::unrevoked_partitions;
      after.pending_revocation = std::move(revoked);
      move_to(after, epoch);
      return after;
    }
    const auto newest = group_.assignment_epoch();
    const bool all = take_free(after.assigned, target, newest);
    after.phase
      = all ? member_phase::stable : member_phase::unreleased_partitions;
    move_to(after, newest);
    return after;
  }

  /// Whether all of the target is its own then.
  bool take_free(
    epoch_set& assigned, const partition_set& target, int32_t epoch) const {
    bool all = true;
    for (const auto& [topic, partitions] : target)
      for (const auto partition : partitions) {
        if (const auto t = assigned.find(topic);
          t != assigned.end() && t->second.contains(partition))
          continue;
        if (is_held_by_others(topic, partition)
            && !planted(bug::group_hands_over_held))
          all = false;
        else
          assigned[topic][partition] = epoch;
      }
    return all;
  }

  /// What it has given up itself is free, although its record says otherwise.
  bool is_held_by_others(const uuid& topic, int32_t partition) const {
    return group_.is_held(topic, partition)
           && !member_.assignment_epoch(topic, partition);
  }

  static void move_to(consumer_group_member& member, int32_t epoch) {
    if (member.epoch == epoch)
      return;
    member.previous_epoch = member.epoch;
    member.epoch = epoch;
  }

  const consumer_group_state& group_;
  const consumer_group_member& member_;
  const topic_view& topics_;
  const owned_claim& owned_;
};

} // namespace

consumer_group_member reconcile(const consumer_group_state& group,
  const consumer_group_member& member, const topic_view& topics,
  const owned_claim& owned) {
  return step{group, member, topics, owned}.take();
}

} // namespace millrace
