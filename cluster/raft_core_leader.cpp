// A leader brings its log to everybody and commits: Raft §5.3, §5.4.2, the
// pipeline of thesis 10.2.1, reads of §8 and check quorum of thesis 6.2.

#include "cluster/raft_core.hpp"
#include "schema/assert.hpp"
#include "schema/planted_bug.hpp"

#include <limits>

namespace millrace {

/// Sends what may be sent. Once for each take(): what was proposed in between
/// travels together.
void raft_core::replicate() {
  if (beat_due_)
    beat();
  for (auto& [to, peer] : peers_)
    send_entries(to, peer);
  serve_reads();
}

void raft_core::send_entries(const raft_member& to, raft_progress& peer) {
  if (peer.next() <= log_.start().index
      && peer.state() != raft_progress_state::snapshot) {
    peer.become_snapshot(now_ms_); // §7: the entries are gone
    want_chunk(to, peer);
  }
  while (peer.is_open(options_) && peer.next() <= log_.last_index()) {
    const auto from = peer.next();
    if (from < log_.memory_first()) {
      if (peer.reading != from)
        actions_.entries_wanted.push_back(
          {to, {from, log_.memory_first() - 1}, options_.append_bytes_max});
      peer.reading = from;
      break;
    }
    send_append(
      to, peer, log_.read(from, log_.last_index(), options_.append_bytes_max));
  }
  // What is committed there is told without waiting for the next heartbeat.
  if (peer.state() == raft_progress_state::replicate
      && std::min(log_.committed(), peer.match()) > peer.commit_sent)
    send_append(to, peer, {});
}

/// @param entries at least one from the log, or none: then the message stands
/// behind everything sent, and its answer tells whether that has arrived
void raft_core::send_append(
  const raft_member& to, raft_progress& peer, std::vector<raft_entry> entries) {
  auto previous = std::max(peer.next() - 1, log_.start().index);
  if (!entries.empty()) {
    previous = entries.front().index - 1;
    size_t bytes = 0;
    for (const auto& entry : entries)
      bytes += entry.payload.size();
    peer.on_sent(entries.back().index, bytes);
  }
  peer.commit_sent = log_.committed();
  send(to, raft_append_request{vote_.term, {*log_.term_at(previous), previous},
             log_.committed(), round_, std::move(entries)});
}

void raft_core::entries_read(
  const raft_member& peer, const std::vector<raft_entry>& entries) {
  const auto at = peers_.find(peer);
  if (at == peers_.end() || entries.empty()
      || at->second.reading != entries.front().index)
    return; // asked for by an earlier probe
  at->second.reading.reset();
  // Asked for in an earlier leadership, perhaps, and cut since.
  const bool are_ours
    = std::all_of(entries.begin(), entries.end(), [this](const auto& e) {
        return e.index >= log_.first_index() && log_.matches({e.term, e.index});
      });
  if (are_ours && at->second.is_open(options_)
      && entries.front().index == at->second.next())
    send_append(peer, at->second, entries);
}

/// A heartbeat for every voter, which begins a round, and now and then for
/// the others. It stands behind what was sent, so that its answer tells
/// whether that has arrived, and probes again where a probe was lost.
void raft_core::beat() {
  beat_due_ = false;
  beat_ms_ = now_ms_;
  ++round_;
  const bool is_for_learners
    = now_ms_ - learner_beat_ms_ >= options_.learner_heartbeat_ms;
  if (is_for_learners)
    learner_beat_ms_ = now_ms_;
  for (auto& [to, peer] : peers_)
    if (is_for_learners || is_voter(configuration(), to))
      send_append(to, peer, {});
}

void raft_core::leader_tick() {
  if (now_ms_ - beat_ms_ >= options_.heartbeat_ms)
    beat_due_ = true;
  for (auto& [to, peer] : peers_)
    if (peer.state() == raft_progress_state::snapshot
        && now_ms_ - peer.snapshot().since_ms >= options_.election_ms)
      want_chunk(to, peer); // it was lost, or its answer
  if (handover_ && now_ms_ >= handover_->deadline_ms)
    handover_.reset();
  if (change_ && now_ms_ >= change_->deadline_ms && !configuration().is_joint()
      && !same_members(configuration().voters, change_->voters))
    end_change(raft_refusal::timed_out);
  check_own_disk();
  check_quorum();
}

/// A leader with a disk that hangs would keep everybody from going on: its
/// heartbeats wait for no disk, and its state machine gets nothing (R20).
void raft_core::check_own_disk() {
  if (log_.durable() >= log_.committed() || log_.durable() > disk_moved_to_) {
    disk_moved_to_ = log_.durable();
    disk_moved_ms_ = now_ms_;
  }
  const auto successor = best_successor();
  if (now_ms_ - disk_moved_ms_ >= options_.disk_stall_ms && successor
      && !handover_)
    (void)transfer(*successor); // cannot be refused here
}

/// Thesis 6.2, check quorum: whoever hears no majority is cut off, and makes
/// place, so that its clients look for another one.
void raft_core::check_quorum() {
  if (now_ms_ - quorum_checked_ms_ < options_.election_ms)
    return;
  quorum_checked_ms_ = now_ms_;
  const auto heard
    = majority_value<int64_t>(configuration(), [this](const raft_member& m) {
        const auto at = peers_.find(m);
        return at == peers_.end() ? now_ms_ : at->second.heard_ms();
      });
  if (heard < now_ms_ - options_.election_ms)
    become_follower(vote_.term, std::nullopt);
}

void raft_core::on_append_answer(
  const raft_member& from, const raft_append_answer& m) {
  const auto at = peers_.find(from);
  if (m.term < vote_.term || at == peers_.end())
    return;
  auto& peer = at->second;
  peer.on_heard(now_ms_, m.round);
  if (m.success) {
    MILLRACE_ASSERT(m.match <= log_.last_index(),
      "nobody has more of the leader's log than the leader");
    if (peer.on_success(m.match, log_.first_index()))
      advance_commit();
  } else {
    // §5.3, last part: skips whole terms that cannot agree.
    peer.on_refusal(m.previous, log_.last_like(m.hint).index);
  }
  if (role_ != raft_role::leader)
    return;
  hand_over();
  advance_change();
}

/// The highest entry that a majority has on disk is committed, if it is of
/// the own term (§5.4.2, figure 8). The leader's copy counts like any other
/// (thesis 10.2.1): it may be on disk last, or, when it is not a voter any
/// more, not count at all (§6).
void raft_core::advance_commit() {
  const auto index
    = majority_value<uint64_t>(configuration(), [this](const raft_member& m) {
        if (m == self_)
          return planted(bug::raft_counts_itself_early) ? log_.last_index()
                                                        : log_.durable();
        const auto at = peers_.find(m);
        return at == peers_.end() ? 0 : at->second.match();
      });
  if (index <= log_.committed())
    return;
  if (log_.term_at(index) != vote_.term
      && !planted(bug::raft_commits_older_term))
    return;
  log_.commit_to(index);
  on_committed();
}

raft_refusal raft_core::read(uint64_t request) {
  if (role_ != raft_role::leader)
    return raft_refusal::not_leader;
  // Thesis 6.4: until an entry of the own term is committed, a new leader
  // does not know which others are; all of them are below that entry.
  const auto index = planted(bug::raft_reads_before_own_entry)
                       ? log_.committed()
                       : std::max(log_.committed(), leadership_index_);
  reads_.push_back({request, index, round_ + 1});
  beat_due_ = true;
  return raft_refusal::none;
}

void raft_core::serve_reads() {
  if (reads_.empty())
    return;
  constexpr auto own = std::numeric_limits<uint64_t>::max();
  const auto round
    = majority_value<uint64_t>(configuration(), [this](const raft_member& m) {
        const auto at = peers_.find(m);
        return at == peers_.end() ? (m == self_ ? own : 0) : at->second.round();
      });
  auto read = reads_.begin();
  for (; read != reads_.end(); ++read) {
    if (read->round > round && !planted(bug::raft_reads_without_round))
      break;
    actions_.reads.push_back({read->request, read->index});
  }
  reads_.erase(reads_.begin(), read);
}

raft_refusal raft_core::transfer(const raft_member& to) {
  if (role_ != raft_role::leader)
    return raft_refusal::not_leader;
  if (handover_)
    return raft_refusal::transferring;
  if (to == self_)
    return raft_refusal::none;
  if (!is_voter(configuration(), to))
    return raft_refusal::not_a_voter;
  handover_ = handover{to, now_ms_ + options_.election_ms};
  hand_over();
  return raft_refusal::none;
}

/// Thesis 3.10: once the successor has the whole log it is told to stand.
void raft_core::hand_over() {
  if (!handover_ || handover_->asked)
    return;
  const auto at = peers_.find(handover_->to);
  if (at == peers_.end() || at->second.match() < log_.last_index())
    return;
  handover_->asked = true;
  send(handover_->to, raft_timeout_now{vote_.term});
}

std::optional<raft_member> raft_core::best_successor() const {
  std::optional<raft_member> best;
  for (const auto& [member, peer] : peers_)
    if (is_voter(configuration(), member)
        && (!best || peer.match() > peers_.at(*best).match()))
      best = member;
  return best;
}

} // namespace millrace
