#pragma once

// What the consensus core wants its shell to do. The core never waits and
// holds back by itself what depends on the disk: whatever is in `messages`
// may be sent at once.

#include "cluster/raft_log.hpp"
#include "schema/raft_message.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace millrace {

enum class raft_role : uint8_t { follower, pre_candidate, candidate, leader };

[[nodiscard]] const char* to_string(raft_role role);

/// Why the core does not do what it was asked for.
enum class raft_refusal : uint8_t {
  none,
  not_leader,
  transferring,       ///< the leader is about to hand over (thesis 3.10)
  too_much_pending,   ///< uncommitted_bytes_max: ask again
  not_yet,            ///< no entry of the own term is committed yet
  change_in_progress, ///< one change of members at a time
  not_a_voter,        ///< the member to lead has no vote
  invalid,            ///< a group without voters, or a member twice
  timed_out,          ///< a new voter did not catch up
};

[[nodiscard]] const char* to_string(raft_refusal refusal);

struct raft_role_change {
  raft_role role = raft_role::follower;
  uint64_t term = 0;
  std::optional<raft_member> leader; ///< as far as known

  friend bool operator==(const raft_role_change&, const raft_role_change&)
    = default;
};

/// A read whose round is done: it may be answered from a state that has
/// applied entry `index` (thesis 6.4).
struct raft_read_ready {
  uint64_t request = 0;
  uint64_t index = 0;

  friend bool operator==(const raft_read_ready&, const raft_read_ready&)
    = default;
};

/// Read these from the log on disk and answer entries_read(). Fewer are fine.
struct raft_entries_wanted {
  raft_member peer;
  raft_range range;
  size_t bytes_max = 0;

  friend bool operator==(const raft_entries_wanted&, const raft_entries_wanted&)
    = default;
};

/// Read this from a snapshot and answer snapshot_read().
struct raft_chunk_wanted {
  raft_member peer;
  /// Goes on with this snapshot; none, or one that is gone: any, the latest
  /// best, from byte 0.
  std::optional<raft_position> last;
  uint64_t position = 0;
  size_t bytes_max = 0;

  friend bool operator==(const raft_chunk_wanted&, const raft_chunk_wanted&)
    = default;
};

/// The last entry that a snapshot replaces, and the members as of it, which
/// are part of the snapshot (§7).
struct raft_snapshot_head {
  raft_position last;
  raft_configuration configuration;

  friend bool operator==(const raft_snapshot_head&, const raft_snapshot_head&)
    = default;
};

/// Taken by the shell after every input, and done in the order of the fields;
/// reads, chunks and messages may be done at any time.
struct raft_actions {
  /// Make it durable, then vote_persisted() (R23).
  std::optional<raft_vote> vote;
  /// Truncate, append, sync, then persisted(). Writes are done in order.
  std::optional<raft_log_write> write;
  std::vector<raft_message> messages;
  /// Committed and durable here: apply in order. What was appended since the
  /// start can be read with raft_core::log() until the next take(); what is
  /// below its memory_first() is read from the log on disk.
  std::optional<raft_range> committed;
  std::optional<raft_role_change> role;
  std::vector<raft_read_ready> reads;
  std::vector<uint64_t> failed_reads; ///< no leader any more: ask elsewhere
  std::vector<raft_entries_wanted> entries_wanted;
  std::vector<raft_chunk_wanted> chunks_wanted;
  /// Append to the snapshot that is being received; one at byte 0 starts it
  /// over. Nothing need be durable yet.
  std::vector<raft_snapshot_chunk> store_chunks;
  /// The snapshot is whole: make it durable, replace the state machine's state
  /// with it, drop the log up to `last`, then snapshot_installed().
  std::optional<raft_snapshot_head> install;
  /// Take a snapshot when it suits, then snapshot_taken().
  bool snapshot_due = false;
  /// The log may be forgotten up to here (consensus_log::drop_before(index +
  /// 1, term)).
  std::optional<raft_position> drop_through;
  /// How the change that was asked for ended: none, or timed_out, not_leader.
  std::optional<raft_refusal> change_ended;
};

} // namespace millrace
