#include "cluster/consumer_group.hpp"

#include <algorithm>

namespace millrace {

void consumer_group::end_append(uint64_t append_id, bool durable) {
  states.end_append(append_id, durable);
  if (!durable)
    topics_version = -1; // the epoch that took account of them may be lost
}

void consumer_group::keep_alive(
  const std::string& member_id, int64_t until_ms) {
  sessions_[member_id].until_ms = until_ms;
  wake_by(until_ms);
}

void consumer_group::await_revocation(
  const std::string& member_id, int32_t epoch, int64_t until_ms) {
  auto& s = sessions_[member_id];
  s.revocation_ms = until_ms;
  s.revocation_epoch = epoch;
  wake_by(until_ms);
}

void consumer_group::end_revocation(const std::string& member_id) {
  if (const auto it = sessions_.find(member_id); it != sessions_.end())
    it->second.revocation_ms = never;
}

void consumer_group::await_request(
  const std::string& member_id, int64_t until_ms) {
  auto& s = sessions_[member_id];
  s.request_ms = std::min(s.request_ms, until_ms);
  wake_by(s.request_ms);
}

void consumer_group::end_request(const std::string& member_id) {
  if (const auto it = sessions_.find(member_id); it != sessions_.end())
    it->second.request_ms = never;
}

void consumer_group::forget(const std::string& member_id) {
  sessions_.erase(member_id);
}

void consumer_group::open_sessions(int64_t now_ms, int32_t session_timeout_ms) {
  for (const auto& [id, member] : latest().members()) {
    if (!sessions_.contains(id))
      keep_alive(id, now_ms + member.session_timeout_ms(session_timeout_ms));
    if (member.phase == member_phase::unrevoked_partitions
        && sessions_.at(id).revocation_ms == never)
      await_revocation(id, member.epoch, now_ms + member.rebalance_timeout_ms);
  }
}

std::vector<consumer_group::departure> consumer_group::due(
  int64_t now_ms) const {
  std::vector<departure> list;
  for (const auto& [id, s] : sessions_) {
    const auto* member = latest().find(id);
    if (!member)
      continue; // its removal is decided
    if (s.until_ms <= now_ms)
      list.push_back({id, "session timed out"});
    else if (s.revocation_ms <= now_ms
             && member->phase == member_phase::unrevoked_partitions
             && member->epoch == s.revocation_epoch)
      list.push_back({id, "did not give up its partitions in time"});
    else if (s.request_ms <= now_ms)
      list.push_back({id, "did not rejoin in time"});
  }
  return list;
}

void consumer_group::recompute_wake() {
  wake_ms_ = never;
  std::erase_if(sessions_, [&](const auto& entry) {
    return !latest().find(entry.first);
  });
  for (const auto& [id, s] : sessions_)
    wake_by(std::min({s.until_ms, s.revocation_ms, s.request_ms}));
}

} // namespace millrace
