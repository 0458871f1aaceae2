// Changes of the members through joint consensus: Raft §6.
//
// C_old -> C_old with new learners -> C_old,new -> C_new. Each step is an
// entry that counts from the moment it is in the log, and the next one is
// written when it is committed. Whoever leads takes the last step, so that a
// joint configuration never stays.

#include "cluster/raft_core.hpp"
#include "schema/planted_bug.hpp"

namespace millrace {

raft_refusal raft_core::change_members(const std::vector<raft_member>& voters,
  const std::vector<raft_member>& learners) {
  if (role_ != raft_role::leader)
    return raft_refusal::not_leader;
  if (handover_)
    return raft_refusal::transferring;
  std::set<node_id> nodes;
  for (const auto* part : {&voters, &learners})
    for (const auto& member : *part)
      if (!nodes.insert(member.node).second)
        return raft_refusal::invalid;
  if (voters.empty())
    return raft_refusal::invalid;
  // Before an entry of its own term is committed, a leader does not know
  // whether the configuration in its log is: the bug of single-server changes
  // (Ongaro on raft-dev, 2015) began here.
  if (log_.committed() < leadership_index_)
    return raft_refusal::not_yet;
  if (change_ || configuration().is_joint()
      || configurations_.current_index() > log_.committed())
    return raft_refusal::change_in_progress;
  change_ = change{voters, learners, now_ms_ + options_.catch_up_ms, {}};
  if (planted(bug::raft_changes_without_joint)) {
    append_own(raft_entry_kind::configuration,
      encode(raft_configuration{voters, {}, learners}));
    update_peers();
    return raft_refusal::none;
  }
  // §6: new servers first join as non-voting members.
  auto next = configuration();
  for (const auto& member : voters)
    if (!members_of(next).contains(member)) {
      next.learners.push_back(member);
    }
  if (next != configuration()) {
    append_own(raft_entry_kind::configuration, encode(next));
    update_peers();
  } else {
    advance_change();
  }
  return raft_refusal::none;
}

void raft_core::note_replaced_by(const raft_member& member) {
  if (!change_ || configuration().is_joint())
    return;
  const auto& wanted = change_->voters;
  if (std::any_of(wanted.begin(), wanted.end(), [&](const raft_member& m) {
        return m.node == member.node && m != member
               && !is_voter(configuration(), m);
      }))
    end_change(raft_refusal::timed_out);
}

/// More of the log is committed; for the leader only.
void raft_core::on_committed() {
  if (configurations_.current_index() > log_.committed())
    return;
  if (settled_index_ == configurations_.current_index())
    return advance_change();
  settled_index_ = configurations_.current_index();
  if (configuration().is_joint()) {
    append_own(raft_entry_kind::configuration,
      encode(raft_configuration{
        configuration().voters, {}, configuration().learners}));
    update_peers();
    return;
  }
  // Those that leave hear once more, so that they know that they have left.
  for (auto& [to, peer] : peers_)
    if (!members_of(configuration()).contains(to)
        && peer.state() == raft_progress_state::replicate)
      send_append(to, peer, {});
  update_peers();
  if (is_voter(configuration(), self_)) {
    advance_change();
    return;
  }
  // §6: a leader that is not in C_new steps down when it is committed. The
  // next one need not wait for a time-out.
  if (change_ && same_members(configuration().voters, change_->voters))
    end_change(raft_refusal::none);
  if (const auto successor = best_successor();
    successor && peers_.at(*successor).match() == log_.last_index())
    send(*successor, raft_timeout_now{vote_.term});
  become_follower(vote_.term, std::nullopt);
}

/// Takes the next step of the change that was asked for, when the last one is
/// committed and the new voters have caught up.
void raft_core::advance_change() {
  if (!change_ || configuration().is_joint()
      || configurations_.current_index() > log_.committed())
    return;
  const auto& now = configuration();
  const bool same_voters = same_members(now.voters, change_->voters);
  if (same_voters && same_members(now.learners, change_->learners))
    return end_change(raft_refusal::none);
  if (!have_caught_up())
    return;
  raft_configuration next{change_->voters, {}, change_->learners};
  if (!same_voters)
    next.outgoing = now.voters; // C_old,new
  append_own(raft_entry_kind::configuration, encode(next));
  update_peers();
}

void raft_core::end_change(raft_refusal how) {
  change_.reset();
  actions_.change_ended = how;
}

/// Thesis 4.2.1: a new voter is brought the log in rounds, each up to what the
/// log was when it began; it has caught up when a round was shorter than an
/// election time-out.
bool raft_core::have_caught_up() {
  bool all = true;
  for (const auto& member : change_->voters) {
    const auto at = peers_.find(member);
    if (at == peers_.end() || is_voter(configuration(), member))
      continue;
    auto& round = change_->rounds
                    .try_emplace(member, catch_up{log_.last_index(), now_ms_})
                    .first->second;
    if (!round.done && at->second.match() >= round.target) {
      // With nothing new to bring, the next round is over when it begins:
      // its answer would come with the next heartbeat, and that is too late.
      round.done = now_ms_ - round.began_ms < options_.election_ms
                   || at->second.match() == log_.last_index();
      if (!round.done)
        round = {log_.last_index(), now_ms_};
    }
    all = all && round.done;
  }
  return all;
}

/// Everybody who is in the latest configuration or in one that it has not
/// replaced for certain: who leaves gets the log until C_new is committed.
void raft_core::update_peers() {
  std::set<raft_member> members;
  for (const auto* configuration : configurations_.since(log_.committed()))
    members.merge(members_of(*configuration));
  members.erase(self_);
  std::erase_if(peers_, [&members](const auto& peer) {
    return !members.contains(peer.first);
  });
  for (const auto& member : members)
    if (peers_.try_emplace(member, log_.last_index(), now_ms_).second) {
      // Finds out at once where its log ends.
      beat_due_ = true;
      learner_beat_ms_ = now_ms_ - options_.learner_heartbeat_ms;
    }
}

} // namespace millrace
