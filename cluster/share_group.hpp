#pragma once

// A share group (KIP-932) at work: what its log has for sure and what is on its
// way there, the sessions of its members, and share partitions whose
// coordinator is being asked.

#include "cluster/share_group_state.hpp"
#include "cluster/staged_state.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

class share_group {
public:
  static constexpr int64_t never = std::numeric_limits<int64_t>::max();

  explicit share_group(std::string id) : states(std::move(id)) {}

  staged_state<share_group_state, share_group_record> states;

  [[nodiscard]] const share_group_state& latest() const {
    return states.latest();
  }
  /// Nothing of it is in the log or on its way there.
  [[nodiscard]] bool is_gone() const {
    return !latest().exists() && !states.committed().exists()
           && states.last_append() == 0;
  }
  /// The append has ended: a failed one takes back what followed from it.
  void end_append(uint64_t append_id, bool durable);

  // Deadlines, in monotonic time.

  /// The member is alive until then, at least.
  void keep_alive(const std::string& member_id, int64_t until_ms);
  void forget(const std::string& member_id) {
    sessions_.erase(member_id);
  }
  /// Gives sessions to members that have none: after a load, or a failed
  /// append.
  void open_sessions(int64_t now_ms, int32_t session_timeout_ms);
  /// The members whose time is over.
  [[nodiscard]] std::vector<std::string> due(int64_t now_ms) const;
  /// No deadline is earlier (it may be too early); never if there is none.
  [[nodiscard]] int64_t wake_ms() const {
    return wake_ms_;
  }
  /// Makes wake_ms() exact.
  void recompute_wake();

  /// Of the topics that its epoch takes account of; -1: none yet.
  int64_t topics_version = -1;
  /// When its epoch last rose, in monotonic time.
  int64_t changed_ms = std::numeric_limits<int64_t>::min() / 2;
  /// There may be partitions to give out that nobody has been given.
  bool ready_news = true;
  /// Share partitions whose initialization has been asked for.
  std::set<std::pair<uuid, int32_t>> asked;
  /// What has failed is not asked for again before.
  int64_t ask_again_ms = std::numeric_limits<int64_t>::min();

private:
  std::map<std::string, int64_t> sessions_; ///< until when
  int64_t wake_ms_ = never;
};

} // namespace millrace
