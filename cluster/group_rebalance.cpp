#include "cluster/group_rebalance.hpp"

#include "cluster/group_answers.hpp"
#include "cluster/group_records.hpp"
#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

void group_rebalance::members_changed(const rebalance_cause& cause) {
  if (group_.phase() == group_phase::preparing_rebalance)
    complete_if_all_joined();
  else
    prepare(cause);
}

void group_rebalance::prepare(const rebalance_cause& cause) {
  const bool first = group_.phase() == group_phase::empty;
  if (group_.phase() == group_phase::completing_rebalance)
    refuse_syncs(kafka_error::rebalance_in_progress);
  group_.rebalances.started(group_.generation() + 1, cause, turn_.wall_ms);
  group_.start_rebalance(turn_.wall_ms);
  if (!first) {
    group_.set_join_deadline(turn_.now_ms + group_.rebalance_timeout_ms());
    complete_if_all_joined();
    return;
  }
  const int64_t delay_ms = turn_.config.initial_rebalance_delay_ms;
  const auto remaining_ms
    = std::max<int64_t>(group_.rebalance_timeout_ms() - delay_ms, 0);
  group_.initial = {delay_ms, remaining_ms, false};
  group_.set_join_deadline(turn_.now_ms + delay_ms);
  if (delay_ms <= 0)
    complete();
}

void group_rebalance::complete_if_all_joined() {
  if (group_.phase() == group_phase::preparing_rebalance && !group_.initial
      && group_.all_joined())
    complete();
}

void group_rebalance::complete() {
  for (const auto& id : group_.member_ids())
    if (const auto& m = group_.member(id); !m.join && !m.instance_id)
      group_.remove(id);
  if (!group_.members().empty() && !group_.elect_joined_leader()) {
    // Only static members are left, and none has come back yet: their
    // sessions decide.
    group_.initial.reset();
    group_.set_join_deadline(
      turn_.now_ms + std::max<int64_t>(group_.rebalance_timeout_ms(), 1));
    return;
  }
  group_.start_generation(turn_.wall_ms);
  if (group_.phase() == group_phase::completing_rebalance) {
    begin_generation();
    return;
  }
  // If this cannot be written, a restart finds the members of the last
  // generation, who then time out: nobody waits for it.
  group_.persisted = true;
  turn_.append(encode_group_record(group_.id(), group_.to_record(nullptr)));
}

void group_rebalance::begin_generation() {
  for (const auto& id : group_.member_ids()) {
    auto& member = group_.member(id);
    if (const auto parked = group_.unpark_join(id)) {
      auto answer = join_accepted(parked->version, group_, id);
      if (group_.is_leader(id))
        add_members(answer, group_);
      turn_.reply(parked->token, std::move(answer));
    }
    member.is_new = false;
    group_.refresh(id, turn_.now_ms);
    group_.awaited_syncs.insert(id);
  }
  group_.set_sync_deadline(turn_.now_ms + group_.rebalance_timeout_ms());
}

void group_rebalance::remove(const std::string& member_id) {
  const auto removed = group_.remove(member_id);
  if (!removed)
    return;
  constexpr auto error = kafka_error::unknown_member_id;
  if (removed->join)
    turn_.reply(
      removed->join->token, join_refused(removed->join->version, "", error));
  if (removed->sync)
    turn_.reply(removed->sync->token, sync_refused(error));
}

void group_rebalance::assign(
  const std::map<std::string, std::string>& assignment) {
  group_.become_stable(turn_.wall_ms);
  for (const auto& id : group_.member_ids()) {
    const auto part = assignment.find(id);
    group_.member(id).assignment
      = part == assignment.end() ? std::string{} : part->second;
    answer_sync(id, kafka_error::none);
  }
}

void group_rebalance::refuse_syncs(kafka_error error) {
  group_.proposal.reset();
  for (const auto& id : group_.member_ids()) {
    group_.member(id).assignment.clear();
    answer_sync(id, error);
  }
}

void group_rebalance::answer_sync(
  const std::string& member_id, kafka_error error) {
  auto& member = group_.member(member_id);
  if (!member.sync)
    return;
  turn_.reply(member.sync->token, error == kafka_error::none
                                    ? sync_accepted(group_, member.assignment)
                                    : sync_refused(error));
  member.sync.reset();
  // Its session did not run while it waited for us.
  group_.refresh(member_id, turn_.now_ms);
}

void group_rebalance::expire() {
  if (group_.wake_ms() > turn_.now_ms)
    return;
  expire_members();
  if (group_.join_deadline_ms() <= turn_.now_ms) {
    if (group_.initial)
      end_initial_delay();
    else
      complete();
  }
  if (group_.sync_deadline_ms() <= turn_.now_ms)
    expire_syncs();
  group_.recompute_wake();
}

void group_rebalance::end_initial_delay() {
  auto& initial = *group_.initial;
  if (!initial.member_added || initial.remaining_ms <= 0) {
    complete();
    return;
  }
  const auto delay_ms = std::min<int64_t>(
    turn_.config.initial_rebalance_delay_ms, initial.remaining_ms);
  initial = {delay_ms,
    std::max<int64_t>(initial.remaining_ms - initial.delay_ms, 0), false};
  group_.set_join_deadline(turn_.now_ms + delay_ms);
}

void group_rebalance::expire_members() {
  const auto announced = group_.pending(); // a copy: removal changes it
  for (const auto& [id, deadline_ms] : announced)
    if (deadline_ms <= turn_.now_ms)
      group_.remove_pending(id);
  std::string last;
  for (const auto& id : group_.member_ids()) {
    const auto& member = group_.member(id);
    if (!member.can_expire() || member.deadline_ms > turn_.now_ms)
      continue;
    remove(id);
    last = id;
  }
  if (!last.empty())
    members_changed({last, "session timed out"});
  else
    complete_if_all_joined();
}

void group_rebalance::expire_syncs() {
  group_.set_sync_deadline(never_ms);
  const auto missing = group_.awaited_syncs; // a copy: removal changes it
  if (missing.empty())
    return;
  for (const auto& id : missing)
    remove(id);
  prepare({*missing.begin(), "did not send SyncGroup in time"});
}

void group_rebalance::refuse_all(kafka_error error) {
  for (const auto& id : group_.member_ids()) {
    if (const auto parked = group_.unpark_join(id))
      turn_.reply(parked->token, join_refused(parked->version, id, error));
    answer_sync(id, error);
  }
}

} // namespace millrace
