#include "cluster/raft_core.hpp"

#include "schema/assert.hpp"
#include "schema/planted_bug.hpp"

namespace millrace {

namespace {

raft_log recovered_log(const raft_restart& restart) {
  MILLRACE_ASSERT(restart.snapshot.last.index >= restart.log_start.index,
    "a state machine is never behind its log's start");
  raft_log log{restart.log_start};
  for (const auto& entry : restart.entries)
    log.recover(entry);
  // §7: a log that does not hold the snapshot's last entry is void.
  const auto& last = restart.snapshot.last;
  if (!log.matches(last))
    log.restart_at(last);
  log.set_told(std::max(restart.applied, last.index));
  return log;
}

raft_configurations recovered_configurations(
  const raft_restart& restart, uint64_t last_index) {
  const auto& snapshot = restart.snapshot;
  raft_configurations all{snapshot.last.index, snapshot.configuration};
  for (const auto& [index, configuration] : restart.configurations)
    if (index > snapshot.last.index && index <= last_index)
      all.add(index, configuration);
  return all;
}

} // namespace

raft_core::raft_core(const raft_options& options, const raft_member& self,
  const raft_restart& restart, uint64_t seed)
    : options_(options), self_(self), random_(seed),
      log_(recovered_log(restart)),
      configurations_(recovered_configurations(restart, log_.last_index())),
      vote_(restart.vote), given_vote_(restart.vote),
      durable_vote_(restart.vote),
      snapshot_index_(restart.snapshot.last.index) {
  MILLRACE_ASSERT(options.tick_gap_ms_max < options.election_ms
                    && options.heartbeat_ms < options.election_ms,
    "one tick alone never starts an election");
  told_role_.term = vote_.term;
  reset_election_timer();
}

void raft_core::tick(int64_t now_ms) {
  const auto gap = now_ms - ticked_ms_.value_or(now_ms);
  ticked_ms_ = now_ms;
  now_ms_ += std::clamp<int64_t>(gap, 0, options_.tick_gap_ms_max);
  if (role_ == raft_role::leader) {
    leader_tick();
    return;
  }
  // Nobody else could lead: no reason to wait.
  const bool alone = configuration().voters == std::vector{self_}
                     && !configuration().is_joint();
  const auto silence = now_ms_ - timer_ms_;
  const auto patience = may_stand() ? 0 : 3 * options_.learner_heartbeat_ms;
  if (alone ? role_ == raft_role::follower : silence >= timeout_ms_ + patience)
    campaign();
}

void raft_core::step(const raft_message& message) {
  // R24: whoever has another directory is another member.
  if (message.to != self_ || message.from == self_)
    return;
  const auto& from = message.from;
  const auto term = term_of(message);
  if (const auto* m = std::get_if<raft_vote_request>(&message.body))
    return on_vote_request(from, *m);
  if (const auto* m = std::get_if<raft_vote_answer>(&message.body))
    return on_vote_answer(from, *m);
  // §5.1: a greater term makes everybody a follower.
  if (term > vote_.term)
    become_follower(term, std::nullopt);
  if (const auto* m = std::get_if<raft_append_request>(&message.body))
    return on_append(from, *m);
  if (const auto* m = std::get_if<raft_snapshot_chunk>(&message.body))
    return on_snapshot_chunk(from, *m);
  if (const auto* m = std::get_if<raft_append_answer>(&message.body))
    return on_append_answer(from, *m);
  if (const auto* m = std::get_if<raft_snapshot_answer>(&message.body))
    return on_snapshot_answer(from, *m);
  if (const auto* m = std::get_if<raft_timeout_now>(&message.body))
    on_timeout_now(from, *m);
}

void raft_core::send(const raft_member& to, raft_body body) {
  messages_.push_back({self_, to, std::move(body)});
}

void raft_core::become_follower(
  uint64_t term, const std::optional<raft_member>& leader) {
  MILLRACE_ASSERT(term >= vote_.term, "terms never fall (§5.1)");
  if (term > vote_.term) {
    vote_ = {term, std::nullopt};
    messages_.clear(); // what was not sent yet is of the past
    matched_ = acknowledged_ = leader_round_ = 0;
  }
  resign();
  role_ = raft_role::follower;
  leader_ = leader;
  reset_election_timer();
}

void raft_core::resign() {
  for (const auto& read : reads_)
    actions_.failed_reads.push_back(read.request);
  reads_.clear();
  peers_.clear();
  votes_.clear();
  handover_.reset();
  beat_due_ = false;
  if (change_)
    end_change(raft_refusal::not_leader);
}

void raft_core::reset_election_timer() {
  timer_ms_ = now_ms_;
  timeout_ms_ = options_.election_ms
                + static_cast<int64_t>(
                  random_() % static_cast<uint64_t>(options_.election_ms));
}

/// A message of the leader of `term`, which is the own term.
void raft_core::follow(
  uint64_t term, const raft_member& leader, uint64_t round) {
  MILLRACE_ASSERT(
    role_ != raft_role::leader, "a term has one leader (election safety)");
  if (role_ != raft_role::follower || leader_ != leader)
    become_follower(term, leader);
  timer_ms_ = leader_heard_ms_ = now_ms_;
  leader_round_ = std::max(leader_round_, round);
}

void raft_core::append_entry(raft_entry entry) {
  // §6: a configuration counts from the moment that it is in the log.
  if (entry.kind == raft_entry_kind::configuration) {
    auto configuration = decode_raft_configuration(entry.payload);
    MILLRACE_ASSERT(
      configuration.ok(), "configurations are checked when they arrive");
    configurations_.add(entry.index, std::move(*configuration));
  }
  log_.append(std::move(entry));
}

void raft_core::append_own(raft_entry_kind kind, shared_bytes payload) {
  append_entry({vote_.term, log_.last_index() + 1, kind, std::move(payload)});
}

raft_proposal raft_core::propose(std::span<const shared_bytes> payloads) {
  if (role_ != raft_role::leader)
    return {raft_refusal::not_leader, {}};
  if (handover_)
    return {raft_refusal::transferring, {}};
  if (log_.pending_bytes() > options_.pending_bytes_max)
    return {raft_refusal::too_much_pending, {}};
  for (const auto& payload : payloads)
    append_own(raft_entry_kind::command, payload);
  return {raft_refusal::none, log_.last()};
}

void raft_core::vote_persisted(const raft_vote& vote) {
  durable_vote_ = vote;
  if (role_ == raft_role::candidate && vote == vote_) {
    votes_[self_] = 1; // the own vote counts when it cannot be forgotten
    count_votes();
  }
}

void raft_core::persisted(uint64_t write_number) {
  if (!log_.on_persisted(write_number))
    return;
  if (role_ == raft_role::leader)
    advance_commit();
  else if (leader_ && std::min(agreed(), log_.durable()) > acknowledged_)
    answer_success();
}

raft_actions raft_core::take() {
  log_.trim(options_.memory_bytes_max); // of what was told the last time
  if (role_ == raft_role::leader)
    replicate();
  if (vote_ != given_vote_)
    actions_.vote = given_vote_ = vote_;
  actions_.write = log_.take_write();
  // §5.1, figure 2: term and vote are durable before anything depends on
  // them, which may be any message.
  if (vote_ == durable_vote_ || planted(bug::raft_vote_not_awaited))
    actions_.messages = std::exchange(messages_, {});
  if (!installing_)
    actions_.committed = log_.take_committed();
  actions_.snapshot_due = is_snapshot_due();
  const raft_role_change role{role_, vote_.term, leader_};
  if (role != told_role_)
    actions_.role = told_role_ = role;
  return std::exchange(actions_, {});
}

} // namespace millrace
