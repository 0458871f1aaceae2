#pragma once

// When each broker was last heard of: soft state of the controller that
// leads. A new leader has heard nobody yet and grants everybody a full
// session; so does one that has been standing still itself, to which all the
// others seem to have been silent (R27).

#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <set>

namespace millrace {

class broker_sessions {
public:
  explicit broker_sessions(int64_t session_ms = 1000)
      : session_ms_(session_ms) {}

  /// A full session, although it has not been heard of.
  void grant(node_id id, int64_t broker_epoch, int64_t now_ms);
  /// Returns whether this is the first word of it under this leadership. What
  /// an earlier incarnation has said counts for nothing.
  bool heard(node_id id, int64_t broker_epoch, int64_t now_ms);
  /// Whether it has been heard of, not only granted a session.
  [[nodiscard]] bool has_heard(node_id id) const;
  /// What was decided at anybody's first word came to nothing: the next word
  /// of each counts as the first again.
  void hear_again();
  /// Its process is gone: no session is worth waiting for, unless it is heard
  /// of again.
  void end(node_id id);
  /// Those that have been silent for longer than a session, or have ended.
  /// Call it often: where this has not been called for half a session, it is
  /// this node that was silent.
  [[nodiscard]] std::set<node_id> expired(int64_t now_ms);
  void forget(node_id id);

private:
  struct session {
    int64_t broker_epoch = -1;
    int64_t since_ms = 0;
    bool heard = false;
    bool ended = false;
  };
  int64_t session_ms_;
  int64_t looked_ms_ = -1; ///< when expired() was last called; -1: never
  std::map<node_id, session> sessions_;
};

} // namespace millrace
