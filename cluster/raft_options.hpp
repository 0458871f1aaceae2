#pragma once

// What a shell may choose for a consensus group. All times are milliseconds
// of the shell's monotonic clock.

#include <cstddef>
#include <cstdint>

namespace millrace {

struct raft_options {
  int64_t heartbeat_ms = 50;
  /// Members without a vote hear a leader that has nothing to tell this
  /// seldom: with one on every node, that is most of an idle group's traffic.
  int64_t learner_heartbeat_ms = 500;
  /// Nobody stands for election before this silence of the leader; time-outs
  /// are drawn from [election_ms, 2 x election_ms) (§5.2). A leader that has
  /// not heard of a majority for this long steps down (thesis 6.2).
  int64_t election_ms = 250;
  /// What one tick adds to anybody's silence at most: a member that was paused
  /// has heard nobody because it did not listen. Below election_ms.
  int64_t tick_gap_ms_max = 100;
  /// A leader whose own disk has not moved for this long, while others'
  /// have, hands over: it can commit, but tells its state machine nothing.
  int64_t disk_stall_ms = 2'000;

  size_t append_bytes_max = 1u << 20;   ///< entries in one message
  size_t inflight_bytes_max = 8u << 20; ///< entries sent and not answered...
  size_t inflight_count_max = 64;       ///< ...and messages, to one member
  size_t pending_bytes_max = 64u << 20; ///< not told yet: proposals are refused
  size_t memory_bytes_max = 16u << 20;  ///< of old entries kept for sending
  size_t chunk_bytes_max = 1u << 20;    ///< of a snapshot, in one message

  uint64_t snapshot_entries = 100'000; ///< applied since the last snapshot
  uint64_t kept_entries = 10'000;      ///< behind a snapshot, for slow members
  int64_t catch_up_ms = 60'000;        ///< then a change of members is given up
};

} // namespace millrace
