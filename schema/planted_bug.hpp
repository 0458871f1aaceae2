#pragma once

// Mistakes that tests plant to see whether the checkers find them. Everywhere
// but in the one program that is built with MILLRACE_PLANTED_BUGS,
// planted(...) is the constant false and costs nothing.

namespace millrace {

/// Named for what is done wrong while it is planted.
enum class bug {
  none,
  raft_vote_not_awaited,       ///< answers before term and vote are durable
  raft_votes_twice,            ///< forgets whom it voted for
  raft_vote_ignores_log,       ///< votes for a log that lacks entries (§5.4.1)
  raft_commits_older_term,     ///< counts copies of older terms (figure 8)
  raft_truncates_blindly,      ///< cuts without looking for a conflict (§5.3)
  raft_skips_previous,         ///< takes entries without the consistency check
  raft_one_quorum_in_joint,    ///< a majority of C_new is enough (§6)
  raft_answers_before_durable, ///< acknowledges what may be lost
  raft_counts_itself_early,    ///< the leader's own copy counts unsynced
  raft_commits_unmatched,      ///< takes the leader's commit index as it is
  raft_reads_without_round,    ///< does not prove leadership before a read
  raft_reads_before_own_entry, ///< serves its old commit index (thesis 6.4)
  raft_changes_without_joint,  ///< goes from C_old to C_new in one entry (§6)
  raft_stale_persisted,        ///< a sync counts for entries replaced since

  replica_leads_unsynced,         ///< acknowledges before the leader's sync
  replica_ignores_followers,      ///< acknowledges before followers have it
  replica_counts_appended,        ///< takes a follower's word without its sync
  replica_tells_unsynced,         ///< tells a durable end before the sync
  replica_counts_diverged,        ///< counts positions of another history
  replica_cuts_to_high_watermark, ///< truncates without asking for the epoch
  replica_shrinks_uncommitted,    ///< a shrunk ISR counts when it is proposed
  replica_joins_too_early,        ///< in the ISR below the high watermark
  replica_ignores_min_isr,        ///< goes on with too few in sync (R4)
  replica_leads_damaged,          ///< though others could give what it lost

  log_serves_unread, ///< what nobody has looked at since the start (R10)

  controller_elects_anyone, ///< a leader that lacks what is committed
  controller_ignores_cuts,  ///< a leader whose log recovery had to cut (R10)

  group_answers_unreplicated, ///< before other nodes have the commit (R20)
  group_serves_unloaded,      ///< before it has read the log
  group_shows_pending,        ///< before the transaction has ended (R28)
  group_commits_aborted,      ///< what an abort marker should drop (R28)

  transaction_answers_unreplicated,  ///< before other nodes have the decision
  transaction_takes_belated_markers, ///< of an order that has come again since
  transaction_trusts_old_word, ///< of a coordinator, though a marker came after
  group_hands_over_held,       ///< what its owner has not given up

  share_answers_unreplicated, ///< the coordinator, before others have it
  share_forgets_deliveries,   ///< does not write how often it was
  share_frees_others,         ///< whoever goes frees what others hold
  share_ends_locks_early,     ///< whenever it looks at them
  share_passes_over,          ///< what nobody has said anything of
};

#ifdef MILLRACE_PLANTED_BUGS
inline bug planted_bug = bug::none;
[[nodiscard]] inline bool planted(bug b) {
  return planted_bug == b;
}
#else
[[nodiscard]] constexpr bool planted(bug /*b*/) {
  return false;
}
#endif

} // namespace millrace
