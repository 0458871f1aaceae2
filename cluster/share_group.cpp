#include "cluster/share_group.hpp"

#include <algorithm>

namespace millrace {

void share_group::end_append(uint64_t append_id, bool durable) {
  states.end_append(append_id, durable);
  if (durable)
    return;
  topics_version = -1; // the epoch that took account of them may be lost
  ready_news = true;
}

void share_group::keep_alive(const std::string& member_id, int64_t until_ms) {
  sessions_[member_id] = until_ms;
  wake_ms_ = std::min(wake_ms_, until_ms);
}

void share_group::open_sessions(int64_t now_ms, int32_t session_timeout_ms) {
  for (const auto& [id, member] : latest().members())
    if (!sessions_.contains(id))
      keep_alive(id, now_ms + session_timeout_ms);
}

std::vector<std::string> share_group::due(int64_t now_ms) const {
  std::vector<std::string> ids;
  for (const auto& [id, until_ms] : sessions_)
    if (until_ms <= now_ms && latest().find(id))
      ids.push_back(id);
  return ids;
}

void share_group::recompute_wake() {
  std::erase_if(sessions_, [&](const auto& entry) {
    return !latest().find(entry.first);
  });
  wake_ms_ = never;
  for (const auto& [id, until_ms] : sessions_)
    wake_ms_ = std::min(wake_ms_, until_ms);
}

} // namespace millrace
