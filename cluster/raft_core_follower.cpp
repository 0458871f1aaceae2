// A follower's log becomes that of the leader: Raft §5.3.

#include "cluster/raft_core.hpp"
#include "schema/assert.hpp"
#include "schema/planted_bug.hpp"

namespace millrace {

/// The log is as the leader's up to here: what its messages showed, and what
/// is committed (leader completeness, §5.4.3).
uint64_t raft_core::agreed() const {
  return std::max(matched_, log_.committed());
}

void raft_core::answer_success() {
  if (!leader_)
    return;
  // What is acknowledged must not be lost any more (figure 2).
  acknowledged_ = std::min(agreed(), log_.durable());
  if (planted(bug::raft_answers_before_durable))
    acknowledged_ = agreed();
  send(*leader_, raft_append_answer{.term = vote_.term,
                   .success = true,
                   .match = acknowledged_,
                   .round = leader_round_});
}

void raft_core::answer_refusal(uint64_t refused, raft_position hint) {
  send(*leader_, raft_append_answer{.term = vote_.term,
                   .success = false,
                   .previous = refused,
                   .hint = hint,
                   .round = leader_round_});
}

void raft_core::on_append(
  const raft_member& from, const raft_append_request& m) {
  if (m.term < vote_.term) {
    // §5.1: a deposed leader learns that it is one.
    send(from, raft_append_answer{.term = vote_.term});
    return;
  }
  follow(m.term, from, m.round);
  if (installing_) { // the log is about to be replaced up to there
    answer_refusal(m.previous.index, {vote_.term, incoming_->head.last.index});
    return;
  }
  auto entries = std::span{m.entries};
  auto previous = m.previous;
  // What a snapshot has replaced is committed, so it agrees.
  while (previous.index < log_.start().index && !entries.empty()) {
    previous = {entries[0].term, entries[0].index};
    entries = entries.subspan(1);
  }
  if (previous.index >= log_.start().index) {
    // §5.3, the consistency check.
    if (!log_.matches(previous) && !planted(bug::raft_skips_previous)) {
      answer_refusal(m.previous.index, log_.last_like(previous));
      return;
    }
    if (previous.index <= log_.last_index()) {
      take_entries(entries);
      matched_ = std::max(matched_, previous.index + entries.size());
    }
  }
  const auto known
    = planted(bug::raft_commits_unmatched) ? log_.last_index() : agreed();
  log_.commit_to(std::max(log_.committed(), std::min(m.commit, known)));
  // R23: a heartbeat's answer waits for no sync of the log; the answer to
  // entries is given when they are durable, in persisted().
  if (m.entries.empty() || log_.durable() >= matched_
      || planted(bug::raft_answers_before_durable))
    answer_success();
}

/// Entries that follow on one that agrees: removes what conflicts with them,
/// and only that, as the message may be an old one (figure 2, receiver 3).
void raft_core::take_entries(std::span<const raft_entry> entries) {
  for (const auto& entry : entries) {
    if (entry.index <= log_.last_index()) {
      if (log_.term_at(entry.index) == entry.term
          && !planted(bug::raft_truncates_blindly))
        continue;
      if (entry.index <= log_.committed()
          && planted(bug::raft_truncates_blindly))
        continue;
      MILLRACE_ASSERT(
        entry.index > matched_ || planted(bug::raft_truncates_blindly),
        "a leader never replaces its own entries (leader append-only)");
      log_.truncate_from(entry.index);
      configurations_.truncate_from(entry.index);
    }
    append_entry(entry);
  }
}

} // namespace millrace
