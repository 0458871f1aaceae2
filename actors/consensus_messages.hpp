#pragma once

// What the actors of a consensus group say to one another within a node:
// state machine, member, and the member's disk.

#include "cluster/raft_core.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <caf/all.hpp>

#include <memory>
#include <vector>

namespace millrace {

// -- state machine -> member --------------------------------------------------

/// The sender applies the log: it gets log_committed and role_changed from
/// here on, and the member begins to take part.
struct follow_log {};

/// Entries for the log, one for each command, all or none. Answered by placed.
struct propose {
  uint64_t ticket = 0;
  std::vector<shared_bytes> commands;
};

/// The image up to entry `index` is durable, with the members as of it.
struct snapshot_made {
  uint64_t index = 0;
};

/// The state as it is now, to be sent to a member that lacks too much.
struct state_told {
  raft_snapshot_head head;
  shared_bytes bytes;
};

/// What install_state brought is durable.
struct state_installed {};

// -- member -> state machine --------------------------------------------------

/// Where a proposal stands in the log; not committed yet. It will be told as
/// committed with this term, or never.
struct placed {
  uint64_t ticket = 0;
  raft_refusal refused = raft_refusal::none;
  raft_position last;
};

/// Committed and durable here (R20), in order, without a gap but after
/// install_state.
struct log_committed {
  std::shared_ptr<const std::vector<raft_entry>> entries;
};

struct role_changed {
  raft_role role = raft_role::follower;
  uint64_t term = 0;
  node_id leader{-1}; ///< -1: not known
  /// Of a leader: everything decided before it stands below this entry.
  uint64_t leadership_index = 0;
};

/// Make an image durable, then snapshot_made.
struct snapshot_wanted {};

/// Answered by state_told.
struct state_wanted {};

/// Replace everything by this, durably, then state_installed.
struct install_state {
  raft_snapshot_head head;
  shared_bytes bytes;
};

// -- questions about the group ------------------------------------------------

struct ask_quorum {
  uint64_t ticket = 0;
};

/// As the asked member sees it; the others' progress only if it leads.
struct quorum_view {
  uint64_t ticket = 0;
  uint64_t term = 0;
  node_id leader{-1};
  uint64_t committed = 0;
  struct member {
    raft_member id;
    bool is_voter = false;
    uint64_t log_end = 0; ///< last entry known to be durable there
    int64_t heard_ms_ago = -1;
  };
  std::vector<member> members;
};

enum class raft_part : uint8_t { voter, learner, none };

/// Gives a member another part in the group. Answered by member_changed when
/// it is committed, or refused.
struct change_member {
  uint64_t ticket = 0;
  raft_member member;
  raft_part part = raft_part::voter;
};

/// Another voter is to lead: the one whose log is longest. Answered by
/// member_changed, when it has begun.
struct hand_over {
  uint64_t ticket = 0;
};

struct member_changed {
  uint64_t ticket = 0;
  raft_refusal refused = raft_refusal::none;
};

// -- member and its disk ------------------------------------------------------

struct consensus_tick {};

/// Truncate, append, sync; answered by log_written.
struct write_log {
  raft_log_write write;
};
/// The disk to itself, behind the writes that wait: sync all of them.
struct sync_log {
  caf::strong_actor_ptr member;
};
struct log_written {
  uint64_t number = 0;
};

/// Answered by vote_stored.
struct store_vote {
  raft_vote vote;
};
struct vote_stored {
  raft_vote vote;
};

/// Entries of `range`, as many as fit but at least one; answered by log_read.
struct read_log {
  uint64_t ticket = 0;
  raft_range range;
  size_t bytes_max = 1u << 20;
};
struct log_read {
  uint64_t ticket = 0;
  std::vector<raft_entry> entries;
};

/// The log may begin behind `last`; answered by log_dropped.
struct drop_log {
  raft_position last;
};
struct log_dropped {
  raft_position last;
};

} // namespace millrace

#define MILLRACE_CONSENSUS_MESSAGE(type)                                       \
  CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::type)
MILLRACE_CONSENSUS_MESSAGE(follow_log)
MILLRACE_CONSENSUS_MESSAGE(propose)
MILLRACE_CONSENSUS_MESSAGE(snapshot_made)
MILLRACE_CONSENSUS_MESSAGE(state_told)
MILLRACE_CONSENSUS_MESSAGE(state_installed)
MILLRACE_CONSENSUS_MESSAGE(placed)
MILLRACE_CONSENSUS_MESSAGE(log_committed)
MILLRACE_CONSENSUS_MESSAGE(role_changed)
MILLRACE_CONSENSUS_MESSAGE(snapshot_wanted)
MILLRACE_CONSENSUS_MESSAGE(state_wanted)
MILLRACE_CONSENSUS_MESSAGE(install_state)
MILLRACE_CONSENSUS_MESSAGE(ask_quorum)
MILLRACE_CONSENSUS_MESSAGE(quorum_view)
MILLRACE_CONSENSUS_MESSAGE(change_member)
MILLRACE_CONSENSUS_MESSAGE(hand_over)
MILLRACE_CONSENSUS_MESSAGE(member_changed)
MILLRACE_CONSENSUS_MESSAGE(consensus_tick)
MILLRACE_CONSENSUS_MESSAGE(write_log)
MILLRACE_CONSENSUS_MESSAGE(sync_log)
MILLRACE_CONSENSUS_MESSAGE(log_written)
MILLRACE_CONSENSUS_MESSAGE(store_vote)
MILLRACE_CONSENSUS_MESSAGE(vote_stored)
MILLRACE_CONSENSUS_MESSAGE(read_log)
MILLRACE_CONSENSUS_MESSAGE(log_read)
MILLRACE_CONSENSUS_MESSAGE(drop_log)
MILLRACE_CONSENSUS_MESSAGE(log_dropped)
