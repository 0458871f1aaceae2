#include "cluster/group_join.hpp"

#include "cluster/group_answers.hpp"
#include "cluster/group_records.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int16_t id_required_version = 4;     // KIP-394
constexpr int16_t skip_assignment_version = 9; // KIP-814
// A member id is a string of Kafka's, at most 32767 bytes; ours end with a
// dash and 36 characters.
constexpr size_t id_stem_max = 32'000;

/// 8-4-4-4-12 lower-case hex digits.
std::string hex_text(const uuid& id) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20)
      text.push_back('-');
    const auto half = nibble < 16 ? id.high : id.low;
    text.push_back(digits[half >> (60 - 4 * (nibble % 16)) & 0xf]);
  }
  return text;
}

} // namespace

group_join::group_join(group_state& group, group_turn& turn,
  const group_request_context& who, const kafka::join_group_request& request,
  const std::function<uuid()>& new_uuid)
    : group_(group), turn_(turn), rebalance_(group, turn), who_(who),
      request_(request), new_uuid_(new_uuid),
      // Version 0 has one time-out for both.
      rebalance_timeout_ms_(
        std::max(who.version == 0 ? request.session_timeout_ms
                                  : request.rebalance_timeout_ms,
          0)) {
  protocols_.reserve(request.protocols.size());
  for (const auto& p : request.protocols)
    protocols_.push_back({p.name, p.metadata});
}

void group_join::run() {
  if (!has_room()) {
    rebalance_.remove(request_.member_id);
    turn_.reply(who_.token,
      join_refused(who_.version, "", kafka_error::group_max_size_reached));
    rebalance_.complete_if_all_joined();
  } else if (!group_.supports(request_.protocol_type, protocols_)) {
    refuse(kafka_error::inconsistent_group_protocol);
  } else if (request_.member_id.empty()) {
    join_new();
  } else {
    join_known();
  }
}

bool group_join::has_room() const {
  const auto limit = static_cast<size_t>(std::max(turn_.config.size_max, 0));
  // Whoever comes back under its instance id takes its own place.
  const auto& id = request_.member_id.empty()
                     ? group_.static_member(request_.group_instance_id)
                     : request_.member_id;
  const auto* member = group_.find(id);
  switch (group_.phase()) {
  case group_phase::empty:
    return true;
  case group_phase::preparing_rebalance:
    // Those who wait count, not the members: a limit that was lowered keeps
    // out the last who rejoin.
    return (member && member->join) || group_.joined() < limit;
  case group_phase::completing_rebalance:
  case group_phase::stable:
    break;
  }
  return member || group_.members().size() < limit;
}

void group_join::join_new() {
  if (request_.group_instance_id) {
    const auto old_id = group_.static_member(request_.group_instance_id);
    if (old_id.empty())
      add_member(make_id());
    else
      replace_static(old_id);
  } else if (who_.version >= id_required_version) {
    const auto id = make_id();
    group_.add_pending(id, turn_.now_ms + request_.session_timeout_ms);
    turn_.reply(who_.token,
      join_refused(who_.version, id, kafka_error::member_id_required));
  } else {
    add_member(make_id());
  }
}

void group_join::join_known() {
  const auto& id = request_.member_id;
  if (group_.pending().contains(id) && !request_.group_instance_id) {
    add_member(id);
    return;
  }
  const auto error = group_.validate(id, request_.group_instance_id);
  if (error != kafka_error::none) {
    refuse(error);
    return;
  }
  const bool same = group_.find(id)->protocols == protocols_;
  switch (group_.phase()) {
  case group_phase::empty:
    // Not with members in it; let it start anew.
    refuse(kafka_error::unknown_member_id);
    return;
  case group_phase::preparing_rebalance:
    rejoin(id);
    return;
  case group_phase::completing_rebalance:
    // Perhaps it never got the first answer.
    if (same)
      answer_current(id, group_.is_leader(id));
    else
      rejoin(id);
    return;
  case group_phase::stable:
    // A leader that joins wants a new assignment, for reasons that the
    // metadata need not show.
    if (same && !group_.is_leader(id))
      answer_current(id, false);
    else
      rejoin(id);
    return;
  }
}

void group_join::add_member(const std::string& id) {
  group_member member;
  member.id = id;
  member.instance_id = request_.group_instance_id;
  member.client_id = who_.client_id;
  member.client_host = who_.client_host;
  member.session_timeout_ms = request_.session_timeout_ms;
  member.rebalance_timeout_ms = rebalance_timeout_ms_;
  member.protocols = protocols_;
  member.is_new = true;
  if (group_.initial)
    group_.initial->member_added = true;
  group_.add(std::move(member), request_.protocol_type);
  group_.park_join(id, parked());
  group_.set_deadline(
    group_.member(id), turn_.now_ms + turn_.config.new_member_join_timeout_ms);
  rebalance_.members_changed({id, with_words("joined", request_.reason)});
}

void group_join::rejoin(const std::string& id) {
  supersede_join(id, kafka_error::rebalance_in_progress);
  group_.update(
    id, protocols_, request_.session_timeout_ms, rebalance_timeout_ms_);
  group_.park_join(id, parked());
  rebalance_.members_changed({id, with_words("rejoined", request_.reason)});
}

void group_join::replace_static(const std::string& old_id) {
  const auto before = group_.member(old_id); // a copy, to go back to
  // KIP-345: the older process with this instance id is fenced off.
  supersede_join(old_id, kafka_error::fenced_instance_id);
  if (const auto sync = std::exchange(group_.member(old_id).sync, {}))
    turn_.reply(sync->token, sync_refused(kafka_error::fenced_instance_id));
  const auto id = make_id();
  group_.rename(old_id, id);
  auto& member = group_.member(id);
  member.client_id = who_.client_id;
  member.client_host = who_.client_host;
  group_.update(
    id, protocols_, request_.session_timeout_ms, rebalance_timeout_ms_);
  if (member.is_new) // still has no generation, so sends no heartbeats
    group_.set_deadline(
      member, turn_.now_ms + turn_.config.new_member_join_timeout_ms);
  else
    group_.refresh(id, turn_.now_ms);
  group_.park_join(id, parked());
  switch (group_.phase()) {
  case group_phase::stable:
    // Without a change of protocol everybody keeps what it has.
    if (group_.select_protocol() == group_.protocol_name())
      persist_static(old_id, before);
    else
      rebalance_.prepare({id, "came back with another protocol"});
    return;
  case group_phase::completing_rebalance:
    // The leader may assign to the old id, so the new one would get nothing.
    rebalance_.prepare({id, "came back before it was assigned anything"});
    return;
  case group_phase::preparing_rebalance:
    rebalance_.complete_if_all_joined();
    return;
  case group_phase::empty:
    return; // has no members
  }
}

void group_join::persist_static(
  const std::string& old_id, const group_member& before) {
  const auto id = group_.static_member(before.instance_id);
  // Until KIP-814 a leader that came back must not think that it leads, or it
  // would assign; so it is told its old id as the leader's.
  const bool may_skip = who_.version >= skip_assignment_version;
  const auto leader
    = group_.is_leader(id) && !may_skip ? old_id : group_.leader();
  group_.persisted = true;
  turn_.append(encode_group_record(group_.id(), group_.to_record(nullptr)));
  turn_.when_durable(
    [group_id = group_.id(), id, leader, may_skip, before, request = parked()](
      group_turn& later, kafka_error error) {
      auto* group = later.find(group_id);
      const auto* member = group ? group->find(id) : nullptr;
      // Fenced, gone, or waiting for a rebalance that began meanwhile: then it
      // has been or will be answered there.
      if (!member || !member->join || member->join->token != request.token
          || group->phase() != group_phase::stable)
        return;
      group->unpark_join(id);
      if (error != kafka_error::none) {
        group->update(id, before.protocols, before.session_timeout_ms,
          before.rebalance_timeout_ms);
        group->rename(id, before.id);
        group->refresh(before.id, later.now_ms);
        later.reply(request.token,
          join_refused(request.version, "", group_append_error(error)));
        return;
      }
      group->refresh(id, later.now_ms);
      auto answer = join_accepted(request.version, *group, id);
      answer.leader = leader;
      if (may_skip && group->is_leader(id)) {
        answer.skip_assignment = true;
        add_members(answer, *group);
      }
      later.reply(request.token, std::move(answer));
    });
}

void group_join::answer_current(const std::string& id, bool with_members) {
  auto answer = join_accepted(who_.version, group_, id);
  if (with_members)
    add_members(answer, group_);
  turn_.reply(who_.token, std::move(answer));
}

void group_join::refuse(kafka_error error) {
  turn_.reply(
    who_.token, join_refused(who_.version, request_.member_id, error));
}

void group_join::supersede_join(const std::string& id, kafka_error error) {
  if (const auto older = group_.unpark_join(id))
    turn_.reply(older->token, join_refused(older->version, id, error));
}

std::string group_join::make_id() const {
  auto id = request_.group_instance_id.value_or(who_.client_id);
  id.resize(std::min(id.size(), id_stem_max));
  return id + "-" + hex_text(new_uuid_());
}

} // namespace millrace
