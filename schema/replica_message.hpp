#pragma once

// What a follower and the leader of a partition say to each other: the
// follower pulls, and tells with each message how far it is; the leader
// answers when there is something to say. Every message may be lost, doubled
// or late: none means anything outside its leader epoch, and a follower's
// have numbers.

#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <optional>
#include <variant>

namespace millrace {

/// Where a follower's log ends, and whether it asks for what comes next.
struct replica_fetch {
  /// Rises with each message of a follower; what is older is not listened to.
  uint64_t number = 0;
  /// Of the follower's registration: an earlier self is not listened to, and
  /// a restarted one joins no ISR under its old epoch (KIP-903).
  int64_t broker_epoch = -1;
  offset appended{0}; ///< the log's end
  offset durable{0};  ///< what of it is on disk (R2)
  offset log_start{0};
  leader_epoch last_epoch{-1}; ///< of the last batch; -1: the log is empty
  /// What the follower knows of it; -1: nothing of this leadership, so that
  /// it wants a word at once.
  offset high_watermark{-1};
  int32_t bytes_max = 0; ///< 0: a position only
  /// A consumer waits there for what comes next, so that no sync waits (R8).
  bool waited_for = false;
  /// What the leader sent for this position was damaged (R12).
  bool refused = false;

  friend bool operator==(const replica_fetch&, const replica_fetch&) = default;
};

/// Where the leader's log and the follower's part (KIP-279, KIP-320).
struct replica_divergence {
  leader_epoch epoch{-1}; ///< the leader's largest that may be in common
  offset end{-1};         ///< and where it ends at the leader

  friend bool operator==(const replica_divergence&, const replica_divergence&)
    = default;
};

struct replica_answer {
  /// Of the follower's fetch that made its log known to match.
  uint64_t number = 0;
  /// The fetch is over; otherwise this is news, and it still waits.
  bool final = false;
  offset high_watermark{0};
  offset log_start{0};
  std::optional<replica_divergence> diverging;
  /// Somebody waits for these batches to be on the follower's disk.
  bool waited_for = false;
  shared_bytes batches; ///< whole ones, that begin where the follower ends

  friend bool operator==(const replica_answer&, const replica_answer&)
    = default;
};

/// The leader would like to hear where the follower is.
struct replica_nudge {
  friend bool operator==(const replica_nudge&, const replica_nudge&) = default;
};

using replica_body = std::variant<replica_fetch, replica_answer, replica_nudge>;

struct replica_message {
  uuid topic;
  int32_t partition = 0;
  leader_epoch epoch{0};
  replica_body body;

  friend bool operator==(const replica_message&, const replica_message&)
    = default;
};

} // namespace millrace
