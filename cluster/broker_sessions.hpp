#pragma once

// When each broker was last heard of: soft state of the controller that
// leads. A new leader has heard nobody yet and grants everybody a full
// session (R27).

#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace millrace {

class broker_sessions {
public:
  explicit broker_sessions(int64_t session_ms = 1000)
      : session_ms_(session_ms) {}

  void grant(node_id id, int64_t broker_epoch, int64_t now_ms) {
    heard(id, broker_epoch, now_ms);
  }
  void heard(node_id id, int64_t broker_epoch, int64_t now_ms) {
    auto& session = sessions_[id];
    if (broker_epoch >= session.broker_epoch)
      session = {broker_epoch, now_ms};
  }
  /// Those that have been silent for longer than a session.
  [[nodiscard]] std::vector<node_id> expired(int64_t now_ms) const {
    std::vector<node_id> all;
    for (const auto& [id, session] : sessions_)
      if (now_ms - session.heard_ms > session_ms_)
        all.push_back(id);
    return all;
  }
  void forget(node_id id) {
    sessions_.erase(id);
  }

private:
  struct session {
    int64_t broker_epoch = -1;
    int64_t heard_ms = 0;
  };
  int64_t session_ms_;
  std::map<node_id, session> sessions_;
};

} // namespace millrace
