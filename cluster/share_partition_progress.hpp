#pragma once

// One share partition at its coordinator, as a replayable state machine:
// apply() is its only change, for fresh records and replayed ones alike.

#include "cluster/share_batches.hpp"
#include "cluster/share_state_question.hpp"

#include <cstdint>
#include <optional>

namespace millrace {

/// An answer, and a record to make durable before it is given.
struct share_state_decision {
  share_state_answer answer;
  std::optional<share_state_record> record;
};

class share_partition_progress {
public:
  explicit share_partition_progress(share_partition_key key)
      : key_(std::move(key)) {}

  /// From its first snapshot to its tombstone.
  [[nodiscard]] bool exists() const {
    return exists_;
  }
  [[nodiscard]] share_partition_snapshot snapshot() const;
  [[nodiscard]] offset start() const {
    return start_;
  }
  [[nodiscard]] int32_t leader_epoch() const {
    return leader_epoch_;
  }
  [[nodiscard]] int32_t snapshot_epoch() const {
    return snapshot_epoch_;
  }
  /// How many since its last snapshot.
  [[nodiscard]] int32_t updates() const {
    return updates_;
  }

  /// Errors: invalid_request for what has not been initialized and for what
  /// makes no sense; fenced_leader_epoch and fenced_state_epoch of those that
  /// another has come after. An epoch of -1 is not looked at.
  /// @param updates_max of one snapshot
  /// @param wall_ms since the Unix epoch: for what is written down
  [[nodiscard]] share_state_decision decide(
    const share_state_question& question, int32_t updates_max,
    int64_t wall_ms) const;
  /// All of it anew. Precondition: exists().
  [[nodiscard]] share_state_record snapshot_again(int64_t wall_ms) const;

  void apply(const share_state_record& record);

  bool operator==(const share_partition_progress&) const = default;

private:
  using question = share_state_question;

  [[nodiscard]] share_state_decision decide(
    const question::initialize& q, int32_t updates_max, int64_t wall_ms) const;
  [[nodiscard]] share_state_decision decide(
    const question::read& q, int32_t updates_max, int64_t wall_ms) const;
  [[nodiscard]] share_state_decision decide(
    const question::write& q, int32_t updates_max, int64_t wall_ms) const;
  [[nodiscard]] share_state_decision decide(
    const question::summarize& q, int32_t updates_max, int64_t wall_ms) const;
  [[nodiscard]] share_state_decision decide(
    const question::forget& q, int32_t updates_max, int64_t wall_ms) const;
  [[nodiscard]] share_state_decision decide(
    const question::log_end& q, int32_t updates_max, int64_t wall_ms) const;
  /// This update, or a snapshot instead when it is time for one.
  [[nodiscard]] share_state_record updated(share_partition_snapshot change,
    int32_t updates_max, int64_t wall_ms) const;
  void apply_update(const share_partition_snapshot& change);

  share_partition_key key_;
  bool exists_ = false;
  int32_t snapshot_epoch_ = -1;
  int32_t updates_ = 0;
  int32_t state_epoch_ = 0;
  int32_t leader_epoch_ = 0;
  offset start_{-1};
  int32_t delivery_complete_count_ = -1;
  int64_t created_ms_ = -1;
  share_batches batches_;
};

} // namespace millrace
