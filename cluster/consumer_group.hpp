#pragma once

// A consumer group (KIP-848) at work: what its log has for sure and what is
// on its way there, the sessions of its members, and its last rebalances.

#include "cluster/consumer_group_state.hpp"
#include "cluster/rebalance_log.hpp"
#include "cluster/staged_state.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

class consumer_group {
public:
  static constexpr int64_t never = std::numeric_limits<int64_t>::max();

  explicit consumer_group(std::string id) : states(std::move(id)) {}

  /// latest() is changed by a consumer_group_change only.
  staged_state<consumer_group_state, consumer_group_record> states;

  [[nodiscard]] const consumer_group_state& latest() const {
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
  /// It has until then to give up what it is to give up in this epoch.
  void await_revocation(
    const std::string& member_id, int32_t epoch, int64_t until_ms);
  void end_revocation(const std::string& member_id);
  /// A member of the classic protocol has until then to send the JoinGroup or
  /// SyncGroup that comes next, if no earlier one is set.
  void await_request(const std::string& member_id, int64_t until_ms);
  void end_request(const std::string& member_id);
  void forget(const std::string& member_id);
  /// Gives sessions to members that have none, and time to those that are to
  /// give something up: after a load, or a failed append.
  /// @param session_timeout_ms of those that bring no time-out of their own
  void open_sessions(int64_t now_ms, int32_t session_timeout_ms);

  struct departure {
    std::string member_id;
    std::string reason;
  };
  /// The members whose time is over.
  [[nodiscard]] std::vector<departure> due(int64_t now_ms) const;
  /// No deadline is earlier (it may be too early); never if there is none.
  [[nodiscard]] int64_t wake_ms() const {
    return wake_ms_;
  }
  /// Makes wake_ms() exact.
  void recompute_wake();

  rebalance_log rebalances;
  /// Of the topics that its epoch takes account of; -1: none yet.
  int64_t topics_version = -1;
  /// When its epoch last rose, in monotonic time.
  int64_t changed_ms = std::numeric_limits<int64_t>::min() / 2;

private:
  struct session {
    int64_t until_ms = never;
    int64_t revocation_ms = never;
    int32_t revocation_epoch = 0;
    int64_t request_ms = never;
  };
  void wake_by(int64_t at_ms) {
    wake_ms_ = std::min(wake_ms_, at_ms);
  }

  std::map<std::string, session> sessions_;
  int64_t wake_ms_ = never;
};

} // namespace millrace
