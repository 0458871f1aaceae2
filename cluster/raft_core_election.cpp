// Elections: Raft §5.2 and §5.4.1, with a vote before the vote (thesis 9.6)
// and members that stay with a leader that they hear (thesis 4.2.3).

#include "cluster/raft_core.hpp"
#include "schema/assert.hpp"
#include "schema/planted_bug.hpp"

namespace millrace {

/// Whether the leader, itself or another, was heard within the shortest
/// election time-out: then nobody else is to become one.
bool raft_core::hears_leader() const {
  return role_ == raft_role::leader
         || (leader_ && now_ms_ - leader_heard_ms_ < options_.election_ms);
}

/// Thesis 4.2.2: one that leaves may be needed until C_new is committed, as
/// nobody else may have that entry; its own vote does not count then. Others
/// without a vote keep quiet (§6). One that installs a snapshot has a log
/// that lacks it.
bool raft_core::may_stand() const {
  const auto valid = configurations_.since(log_.committed());
  return !installing_
         && std::any_of(valid.begin(), valid.end(), [this](const auto* c) {
              return is_voter(*c, self_);
            });
}

void raft_core::campaign() {
  if (role_ == raft_role::leader)
    return;
  stand(true, false);
}

void raft_core::leader_gone() {
  if (role_ != raft_role::follower || !leader_)
    return;
  // All hear of it at the same time: they stand one after the other.
  int64_t rank = 0;
  for (const auto& voter : configuration().voters)
    if (voter != *leader_ && voter < self_)
      ++rank;
  leader_.reset();
  timer_ms_ = now_ms_;
  timeout_ms_ = rank * options_.heartbeat_ms;
}

void raft_core::renew_term() {
  if (role_ == raft_role::leader)
    stand(false, true);
}

/// Asks all voters; in the next term without entering it if `pre_vote`.
void raft_core::stand(bool pre_vote, bool transfer) {
  leader_.reset();
  reset_election_timer();
  if (!may_stand()) {
    role_ = raft_role::follower;
    return;
  }
  votes_.clear();
  if (pre_vote) {
    role_ = raft_role::pre_candidate;
    votes_[self_] = 1;
  } else {
    become_follower(vote_.term + 1, std::nullopt);
    role_ = raft_role::candidate;
    vote_.voted_for = self_; // counts in vote_persisted()
  }
  const auto term = pre_vote ? vote_.term + 1 : vote_.term;
  for (const auto& member : members_of(configuration()))
    if (member != self_ && is_voter(configuration(), member))
      send(member, raft_vote_request{term, log_.last(), pre_vote, transfer});
  count_votes();
}

void raft_core::on_vote_request(
  const raft_member& from, const raft_vote_request& m) {
  // Thesis 4.2.3: neither the term nor the vote changes while a leader is
  // heard, unless that leader itself asked for the election (thesis 3.10).
  if (m.term > vote_.term && !m.transfer && hears_leader())
    return;
  if (m.term > vote_.term && !m.pre_vote)
    become_follower(m.term, std::nullopt);
  // §5.4.1: the candidate's log must be at least as up-to-date.
  const bool has_log
    = m.last >= log_.last() || planted(bug::raft_vote_ignores_log);
  if (m.pre_vote) {
    const bool granted = m.term > vote_.term && has_log;
    send(from, raft_vote_answer{granted ? m.term : vote_.term, granted, true});
    return;
  }
  // §5.2: one vote in a term, for who comes first.
  const bool is_free = !vote_.voted_for || vote_.voted_for == from
                       || planted(bug::raft_votes_twice);
  const bool granted = m.term == vote_.term && is_free && !leader_ && has_log;
  if (granted) {
    become_follower(vote_.term, std::nullopt);
    vote_.voted_for = from;
  }
  send(from, raft_vote_answer{vote_.term, granted, false});
}

void raft_core::on_vote_answer(
  const raft_member& from, const raft_vote_answer& m) {
  // A granted pre-vote names the term that the candidate would begin.
  const bool names_next_term = m.pre_vote && m.granted;
  if (m.term > vote_.term && !names_next_term)
    return become_follower(m.term, std::nullopt);
  if (m.pre_vote) {
    if (role_ != raft_role::pre_candidate
        || m.term != vote_.term + (m.granted ? 1 : 0))
      return;
  } else if (role_ != raft_role::candidate || m.term != vote_.term) {
    return;
  }
  votes_.try_emplace(from, m.granted ? 1 : -1);
  count_votes();
}

void raft_core::count_votes() {
  const auto result = tally(configuration(), [this](const raft_member& m) {
    const auto at = votes_.find(m);
    return at == votes_.end() ? 0 : at->second;
  });
  if (result == raft_tally::lost)
    become_follower(vote_.term, std::nullopt);
  else if (result == raft_tally::won && role_ == raft_role::pre_candidate)
    stand(false, false);
  else if (result == raft_tally::won)
    become_leader();
}

/// Thesis 3.10: stands at once, without a vote before, as nobody is to hold
/// it back.
void raft_core::on_timeout_now(
  const raft_member& from, const raft_timeout_now& m) {
  if (m.term == vote_.term && leader_ == from && role_ == raft_role::follower
      && may_stand())
    stand(false, true);
}

void raft_core::become_leader() {
  MILLRACE_ASSERT(role_ == raft_role::candidate && vote_ == durable_vote_,
    "a leader's term and vote are durable");
  role_ = raft_role::leader;
  leader_ = self_;
  votes_.clear();
  round_ = 0;
  beat_ms_ = learner_beat_ms_ = quorum_checked_ms_ = disk_moved_ms_ = now_ms_;
  leadership_index_ = log_.last_index() + 1;
  settled_index_.reset();
  update_peers();
  beat_due_ = false; // the entry below goes to everybody at once
  // §8, §5.4.2: only an entry of its own term commits those before it.
  append_own(raft_entry_kind::leadership, {});
}

} // namespace millrace
