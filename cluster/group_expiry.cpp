// The part of group_registry that lets offsets expire (KIP-211), and with
// them the groups that nobody uses.

#include "cluster/group_registry.hpp"

#include <algorithm>

namespace millrace {

namespace {

// How many records one turn may write; the next one goes on from there.
constexpr size_t expired_records_max = 1'000;

} // namespace

void group_registry::expire_offsets(
  group_turn& turn, std::vector<std::string>& touched) {
  // R19: a jump of the wall clock that the monotonic one did not see must not
  // delete anything.
  const auto wall_ms
    = std::min(turn.wall_ms, loaded_wall_ms_ + (turn.now_ms - loaded_now_ms_)
                               + config_.wall_clock_gain_ms_max);
  auto it = groups_.upper_bound(expiry_cursor_);
  if (expiry_cursor_.empty())
    it = groups_.begin(); // the group without a name comes first
  while (it != groups_.end()) {
    if (turn.effects.records.size() >= expired_records_max) {
      expiry_due_ms_ = turn.now_ms;
      return;
    }
    const auto& [id, group] = *it;
    expiry_cursor_ = id;
    const auto subscribed = group.subscribed_topics();
    std::vector<offset_key> keys;
    offsets_.for_each_latest(
      id, [&, &name = id, &state = group](const std::string& topic,
            int32_t partition, const committed_offset& value) {
        // What is in a transaction is in use (R28).
        offset_key key{name, topic, partition};
        if (expired(state, subscribed, topic, value, wall_ms)
            && !transactional_.knows(key))
          keys.push_back(std::move(key));
      });
    for (const auto& key : keys)
      append_offset(turn, key, {});
    ++it;
    touched.push_back(expiry_cursor_);
    const auto& done = groups_.at(expiry_cursor_);
    if (done.phase() == group_phase::empty && done.pending().empty()
        && !offsets_.has_latest(expiry_cursor_)
        && !transactional_.knows(expiry_cursor_))
      erase_group(turn, expiry_cursor_);
  }
  expiry_cursor_.clear();
  expire_consumer_offsets(turn, wall_ms, touched);
  if (turn.effects.records.size() >= expired_records_max) {
    expiry_due_ms_ = turn.now_ms;
    return;
  }
  expiry_due_ms_ = turn.now_ms + config_.offsets_retention_check_interval_ms;
}

void group_registry::expire_consumer_offsets(
  group_turn& turn, int64_t wall_ms, std::vector<std::string>& touched) {
  std::vector<std::string> unused;
  for (const auto& [id, live] : consumers_.groups()) {
    const auto* group = consumers_.find(id);
    if (!group)
      continue;
    if (turn.effects.records.size() >= expired_records_max)
      return;
    const auto subscribed = group->subscribed_topics();
    std::vector<offset_key> keys;
    offsets_.for_each_latest(id, [&, &name = id](const std::string& topic,
                                   int32_t partition,
                                   const committed_offset& value) {
      const auto until_ms = value.expire_ms >= 0
                              ? value.expire_ms
                              : value.commit_ms + config_.offsets_retention_ms;
      offset_key key{name, topic, partition};
      if (wall_ms >= until_ms && !subscribed.contains(topic)
          && !transactional_.knows(key))
        keys.push_back(std::move(key));
    });
    for (const auto& key : keys)
      append_offset(turn, key, {});
    if (group->members().empty() && !offsets_.has_latest(id)
        && !transactional_.knows(id))
      unused.push_back(id);
  }
  for (const auto& id : unused)
    erase_consumer_group(turn, id);
  touched.insert(touched.end(), unused.begin(), unused.end());
}

bool group_registry::expired(const group_state& group,
  const std::optional<std::set<std::string>>& subscribed,
  const std::string& topic, const committed_offset& value,
  int64_t wall_ms) const {
  auto since_ms = value.commit_ms;
  if (group.protocol_type()) {
    if (group.phase() == group_phase::empty) {
      // From when the last member left; old records do not say when.
      if (group.phase_since_ms() >= 0)
        since_ms = group.phase_since_ms();
    } else if (group.phase() != group_phase::stable || !subscribed
               || subscribed->contains(topic)) {
      return false; // in use, or nobody can tell
    }
  }
  if (value.expire_ms >= 0)
    return wall_ms >= value.expire_ms;
  return wall_ms - since_ms >= config_.offsets_retention_ms;
}

} // namespace millrace
