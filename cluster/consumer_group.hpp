#pragma once

// A consumer group (KIP-848) at work: what its log has for sure and what is
// on its way there, the sessions of its members, and its last rebalances.

#include "cluster/consumer_group_state.hpp"
#include "cluster/rebalance_log.hpp"

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

class consumer_group {
public:
  static constexpr int64_t never = std::numeric_limits<int64_t>::max();

  explicit consumer_group(std::string id)
      : latest_(id), committed_(std::move(id)) {}

  /// With all that has been decided: what decisions read (R20).
  [[nodiscard]] const consumer_group_state& latest() const {
    return latest_;
  }
  /// To be changed by a consumer_group_change only, whose records are then
  /// staged.
  [[nodiscard]] consumer_group_state& latest() {
    return latest_;
  }
  /// What is durable: what others are shown.
  [[nodiscard]] const consumer_group_state& committed() const {
    return committed_;
  }

  /// One record of the log, while it is loaded.
  void replay(const consumer_group_record& record);
  /// These records, which latest() has, are being appended. Appends that
  /// succeed end in their order.
  void stage(uint64_t append_id, std::vector<consumer_group_record> records);
  /// The append has ended. If it has failed its records count no more; the
  /// others that were staged do, as a replay would find them.
  void end_append(uint64_t append_id, bool durable);
  /// The append for which an answer about latest() has to wait; 0: none.
  [[nodiscard]] uint64_t last_append() const {
    return pending_.empty() ? 0 : pending_.back().first;
  }
  /// Nothing is left of it.
  [[nodiscard]] bool is_gone() const {
    return !latest_.exists() && !committed_.exists() && pending_.empty();
  }

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

  consumer_group_state latest_;
  consumer_group_state committed_;
  std::deque<std::pair<uint64_t, std::vector<consumer_group_record>>> pending_;
  std::map<std::string, session> sessions_;
  int64_t wake_ms_ = never;
};

} // namespace millrace
