#include "cluster/broker_sessions.hpp"

#include <algorithm>

namespace millrace {

void broker_sessions::grant(node_id id, int64_t broker_epoch, int64_t now_ms) {
  auto& session = sessions_[id];
  if (broker_epoch > session.broker_epoch)
    session = {broker_epoch, now_ms, false, false};
}

bool broker_sessions::heard(node_id id, int64_t broker_epoch, int64_t now_ms) {
  auto& session = sessions_[id];
  if (broker_epoch < session.broker_epoch)
    return false;
  const bool first = !session.heard || broker_epoch > session.broker_epoch;
  session = {broker_epoch, now_ms, true, false};
  return first;
}

bool broker_sessions::has_heard(node_id id) const {
  const auto at = sessions_.find(id);
  return at != sessions_.end() && at->second.heard && !at->second.ended;
}

void broker_sessions::hear_again() {
  for (auto& [id, session] : sessions_)
    session.heard = false;
}

void broker_sessions::end(node_id id) {
  if (const auto at = sessions_.find(id); at != sessions_.end())
    at->second.ended = true;
}

std::set<node_id> broker_sessions::expired(int64_t now_ms) {
  const auto silent_ms = looked_ms_ < 0 ? 0 : now_ms - looked_ms_;
  looked_ms_ = now_ms;
  std::set<node_id> all;
  for (auto& [id, session] : sessions_) {
    if (silent_ms > session_ms_ / 2)
      session.since_ms = std::max(session.since_ms, now_ms);
    if (session.ended || now_ms - session.since_ms > session_ms_)
      all.insert(id);
  }
  return all;
}

void broker_sessions::forget(node_id id) {
  sessions_.erase(id);
}

} // namespace millrace
