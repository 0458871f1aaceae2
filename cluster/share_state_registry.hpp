#pragma once

// The share coordinator of one partition of __share_group_state: all its
// share partitions, as one synchronous state machine.

#include "cluster/share_partition_progress.hpp"
#include "schema/result.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

struct share_state_config {
  /// share.coordinator.snapshot.update.records.per.snapshot
  int32_t updates_per_snapshot = 500;
  /// How many records before the last snapshots the log may have, beside four
  /// for each share partition, before those that hold it back get new ones.
  int64_t slack_records = 1'000;
};

/// What the caller must do after a call.
struct share_state_effects {
  /// To append with acks=all, in order and as one. When there are any, call
  /// share_state_registry::on_appended(append_id, ...) once that has ended.
  std::vector<share_state_entry> records;
  uint64_t append_id = 0;
  /// Answers by token, to send now.
  std::vector<std::pair<uint64_t, share_state_answer>> replies;
};

/// Without clock, thread, disk or randomness of its own.
///
/// Life: replay() the log, then finish_load(); then handle(), on_appended() and
/// the rest in any order. Each token is answered exactly once, and by
/// on_appended() where the answer depends on records (R20), also on those that
/// others have asked for.
class share_state_registry {
public:
  explicit share_state_registry(share_state_config config = {})
      : config_(config) {}
  share_state_registry(const share_state_registry&) = delete;
  share_state_registry& operator=(const share_state_registry&) = delete;

  /// One record of the log, in order; unknown kinds are ignored.
  /// Errors: corrupt, truncated, unsupported.
  [[nodiscard]] result<void> replay(
    offset at, std::string_view key, std::optional<std::string_view> value);
  void finish_load();

  // Precondition for all below: finish_load().

  /// Whether the partition exists is the caller's to check.
  [[nodiscard]] share_state_effects handle(
    uint64_t token, const share_state_question& question, int64_t wall_ms);
  /// Forgets all of these topics.
  [[nodiscard]] share_state_effects on_topics_gone(
    const std::set<uuid>& topics);
  /// Writes snapshots of what holds back redundant_end(), if the log is much
  /// longer than it need be.
  [[nodiscard]] share_state_effects on_timer(int64_t wall_ms);
  /// The append of `append_id` is durable (none), or has failed and will
  /// never be in the log. Those that succeed end in order.
  /// @param base the offset of its first record, if it is durable
  [[nodiscard]] share_state_effects on_appended(
    uint64_t append_id, kafka_error error, offset base);

  /// Nobody needs the records of the log below.
  [[nodiscard]] offset redundant_end() const;

  // For tests and checkers.

  /// With all that has been decided; null if there is none.
  [[nodiscard]] const share_partition_progress* find(
    const share_partition_key& key) const;
  /// With all that is durable; null if there is none.
  [[nodiscard]] const share_partition_progress* find_committed(
    const share_partition_key& key) const;
  [[nodiscard]] size_t size() const {
    return entries_.size();
  }

private:
  struct entry {
    explicit entry(const share_partition_key& key) : latest(key) {}

    share_partition_progress latest; ///< with all that has been decided
    /// What is durable; only while something is on its way.
    std::optional<share_partition_progress> committed;
    std::deque<std::pair<uint64_t, share_state_record>> pending;
    offset snapshot_at{-1}; ///< of its last durable one
  };
  struct pending_append {
    std::vector<share_partition_key> keys;
    std::vector<std::pair<uint64_t, share_state_answer>> answers;
    /// One before it has failed, and what it says builds on that.
    bool baseless = false;
  };

  void stage(share_state_effects& effects, const share_state_record& record);
  [[nodiscard]] share_state_effects ended(share_state_effects effects);
  void end_record(entry& e, uint64_t append_id, bool durable, offset at);
  void take_base_away(const entry& e);
  void note_snapshot(entry& e, offset at);
  void forget_if_gone(const share_partition_key& key);

  share_state_config config_;
  std::map<share_partition_key, entry> entries_;
  std::multiset<int64_t> snapshots_; ///< where the last ones are
  std::map<uint64_t, pending_append> pending_;
  uint64_t next_append_id_ = 1;
  offset applied_end_{0};
  bool loaded_ = false;
};

} // namespace millrace
