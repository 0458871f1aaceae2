#pragma once

// The member of a Raft group that writes its log. Today a group of one: an
// entry is committed when it is durable here. It waits for the disk, so it
// has a thread of its own where there are threads.

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "storage/consensus_log.hpp"

namespace millrace {

struct consensus_state {
  static inline const char* name = "consensus";
  std::unique_ptr<consensus_log> log;
  uint64_t term = 0;
};

/// @param log opened and recovered
/// @param term this incarnation's, above every term in the log, and durable
consensus_actor::behavior_type consensus(
  consensus_actor::stateful_pointer<consensus_state> self,
  std::shared_ptr<std::unique_ptr<consensus_log>> log, uint64_t term);

} // namespace millrace
