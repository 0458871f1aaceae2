#pragma once

// The disk of a group's member: log, term and vote in files of their own, on
// a thread of their own, so that neither a heartbeat nor its answer waits for
// a sync (R23). What waits in the mailbox is made durable by one sync.

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "storage/consensus_log.hpp"
#include "storage/vote_file.hpp"

namespace millrace {

/// The files, opened and recovered.
struct consensus_files {
  std::unique_ptr<consensus_log> log;
  vote_file votes;
};

[[nodiscard]] consensus_entry to_consensus_entry(const raft_entry& entry);
[[nodiscard]] raft_entry to_raft_entry(const consensus_entry& entry);
[[nodiscard]] vote to_stored_vote(const raft_vote& vote);
[[nodiscard]] raft_vote to_raft_vote(const vote& stored);

struct consensus_disk_state {
  static inline const char* name = "consensus_disk";
  std::unique_ptr<consensus_files> files;
  std::vector<uint64_t> unsynced; ///< numbers of writes
};

/// Spawn through environment::spawn_blocking(). Ends with an error when a
/// file cannot be written: only a start from disk can tell what is there (R6).
consensus_disk_actor::behavior_type consensus_disk(
  consensus_disk_actor::stateful_pointer<consensus_disk_state> self,
  std::shared_ptr<std::unique_ptr<consensus_files>> files);

} // namespace millrace
