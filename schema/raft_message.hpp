#pragma once

// What the members of a consensus group say to one another. Section numbers
// are those of the Raft paper (extended version), "thesis" is Ongaro's.

#include "schema/raft_entry.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace millrace {

/// RequestVote (§5.2, §5.4.1). With `pre_vote` it asks "would you?" for a
/// term that has not begun, and changes nothing (thesis 9.6).
struct raft_vote_request {
  uint64_t term = 0;
  raft_position last; ///< the end of the candidate's log
  bool pre_vote = false;
  /// The leader itself asked for this election (thesis 3.10): no member holds
  /// it back for having heard of that leader (thesis 4.2.3).
  bool transfer = false;

  friend bool operator==(const raft_vote_request&, const raft_vote_request&)
    = default;
};

struct raft_vote_answer {
  uint64_t term = 0; ///< of a granted pre-vote: the term asked for
  bool granted = false;
  bool pre_vote = false;

  friend bool operator==(const raft_vote_answer&, const raft_vote_answer&)
    = default;
};

/// AppendEntries (§5.3). Without entries it is a heartbeat.
struct raft_append_request {
  uint64_t term = 0;
  raft_position previous; ///< of the entry before the first one here
  uint64_t commit = 0;    ///< the leader's commit index
  /// Counts the leader's heartbeats. An answer's round proves that its sender
  /// still followed after that heartbeat had been sent (§8, thesis 6.4).
  uint64_t round = 0;
  std::vector<raft_entry> entries; ///< follow on `previous` without a gap

  friend bool operator==(const raft_append_request&, const raft_append_request&)
    = default;
};

struct raft_append_answer {
  uint64_t term = 0;
  bool success = false;
  /// On success: everything up to here is as in the leader's log, and durable.
  uint64_t match = 0;
  uint64_t previous = 0; ///< on failure: the index that was refused
  /// On failure: the last place in the follower's log, at or below `previous`,
  /// that may be in the leader's log too (§5.3, last part).
  raft_position hint;
  uint64_t round = 0; ///< the highest that came from this leader

  friend bool operator==(const raft_append_answer&, const raft_append_answer&)
    = default;
};

/// InstallSnapshot (§7).
struct raft_snapshot_chunk {
  uint64_t term = 0;
  raft_position last;               ///< the last entry that it replaces
  raft_configuration configuration; ///< as of `last`
  uint64_t position = 0;            ///< of `bytes` in the snapshot
  bool done = false;                ///< nothing follows
  uint64_t round = 0;
  shared_bytes bytes;

  friend bool operator==(const raft_snapshot_chunk&, const raft_snapshot_chunk&)
    = default;
};

struct raft_snapshot_answer {
  uint64_t term = 0;
  raft_position last;    ///< which snapshot
  uint64_t position = 0; ///< where the next chunk is expected to begin
  uint64_t round = 0;

  friend bool operator==(
    const raft_snapshot_answer&, const raft_snapshot_answer&)
    = default;
};

/// Asks for an election at once (thesis 3.10).
struct raft_timeout_now {
  uint64_t term = 0;

  friend bool operator==(const raft_timeout_now&, const raft_timeout_now&)
    = default;
};

using raft_body = std::variant<raft_vote_request, raft_vote_answer,
  raft_append_request, raft_append_answer, raft_snapshot_chunk,
  raft_snapshot_answer, raft_timeout_now>;

/// A message with both ends. A member whose directory is another one than the
/// message was meant for must not answer it (R24).
struct raft_message {
  raft_member from;
  raft_member to;
  raft_body body;

  friend bool operator==(const raft_message&, const raft_message&) = default;
};

[[nodiscard]] uint64_t term_of(const raft_message& message);

/// As in traces: `1->2 append t2 after 3/t1 [4/t2] commit 3 round 5`.
[[nodiscard]] std::string to_string(const raft_message& message);

} // namespace millrace
