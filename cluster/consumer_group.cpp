#include "cluster/consumer_group.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

void consumer_group::replay(const consumer_group_record& record) {
  latest_.apply(record);
  committed_.apply(record);
}

void consumer_group::stage(
  uint64_t append_id, std::vector<consumer_group_record> records) {
  if (records.empty())
    return;
  if (last_append() != append_id)
    pending_.emplace_back(append_id, std::move(records));
  else
    std::ranges::move(records, std::back_inserter(pending_.back().second));
}

void consumer_group::end_append(uint64_t append_id, bool durable) {
  const auto it = std::ranges::find_if(pending_, [&](const auto& entry) {
    return entry.first == append_id;
  });
  MILLRACE_ASSERT(it != pending_.end() && (!durable || it == pending_.begin()),
    "appends that succeed end in their order");
  const auto records = std::move(it->second);
  pending_.erase(it);
  if (durable) {
    for (const auto& record : records)
      committed_.apply(record);
    return;
  }
  latest_ = committed_;
  topics_version = -1; // the epoch that took account of them may be lost
  for (const auto& [id, later] : pending_)
    for (const auto& record : later)
      latest_.apply(record);
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
  for (const auto& [id, member] : latest_.members()) {
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
    const auto* member = latest_.find(id);
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
    return !latest_.find(entry.first);
  });
  for (const auto& [id, s] : sessions_)
    wake_by(std::min({s.until_ms, s.revocation_ms, s.request_ms}));
}

} // namespace millrace
