#include "cluster/group_session.hpp"

#include "cluster/group_answers.hpp"
#include "cluster/group_records.hpp"

namespace millrace {

namespace {

constexpr int16_t leave_batch_version = 3;

/// KIP-559: a name that was sent must be the group's.
bool contradicts(const std::optional<std::string>& sent,
  const std::optional<std::string>& ours) {
  return sent && sent != ours;
}

kafka_error check_sync(
  const group_state& group, const kafka::sync_group_request& request) {
  const auto error
    = group.validate(request.member_id, request.group_instance_id);
  if (error != kafka_error::none)
    return error;
  if (request.generation_id != group.generation())
    return kafka_error::illegal_generation;
  if (contradicts(request.protocol_type, group.protocol_type())
      || contradicts(request.protocol_name, group.protocol_name()))
    return kafka_error::inconsistent_group_protocol;
  if (group.phase() == group_phase::empty)
    return kafka_error::unknown_member_id;
  if (group.phase() == group_phase::preparing_rebalance)
    return kafka_error::rebalance_in_progress;
  return kafka_error::none;
}

/// Writes the leader's assignment; members without a part get an empty one.
void propose(group_state& group, group_turn& turn,
  const kafka::sync_group_request& request) {
  auto& proposal = group.proposal.emplace();
  for (const auto& a : request.assignments)
    if (group.find(a.member_id))
      proposal[a.member_id] = a.assignment;
  group.persisted = true;
  turn.append(encode_group_record(group.id(), group.to_record(&proposal)));
  turn.when_durable([id = group.id(), generation = group.generation()](
                      group_turn& later, kafka_error error) {
    auto* found = later.find(id);
    // A rebalance that began meanwhile has answered and goes its own way.
    if (!found || found->phase() != group_phase::completing_rebalance
        || found->generation() != generation || !found->proposal)
      return;
    group_rebalance rebalance{*found, later};
    if (error == kafka_error::none) {
      const auto assignment = std::move(*found->proposal);
      rebalance.assign(assignment);
    } else {
      rebalance.refuse_syncs(group_append_error(error));
      rebalance.members_changed(
        {found->leader(), "its assignment could not be written"});
    }
  });
}

/// @param left the member that has left, if it has
kafka_error leave(group_state& group, group_rebalance& rebalance,
  const std::string& member_id, const std::optional<std::string>& instance_id,
  std::string& left) {
  auto id = member_id;
  if (id.empty()) {
    id = group.static_member(instance_id);
    if (id.empty())
      return kafka_error::unknown_member_id;
  } else if (group.remove_pending(id)) {
    return kafka_error::none;
  } else if (const auto error = group.validate(id, instance_id);
    error != kafka_error::none) {
    return error;
  }
  rebalance.remove(id);
  left = id;
  return kafka_error::none;
}

} // namespace

void sync_group(group_state& group, group_turn& turn,
  const group_request_context& who, const kafka::sync_group_request& request) {
  const auto error = check_sync(group, request);
  if (error != kafka_error::none) {
    turn.reply(who.token, sync_refused(error));
    return;
  }
  const auto& id = request.member_id;
  auto& member = group.member(id);
  group.awaited_syncs.erase(id);
  if (group.phase() == group_phase::stable) {
    group.refresh(id, turn.now_ms);
    turn.reply(who.token, sync_accepted(group, member.assignment));
    return;
  }
  if (const auto older
      = std::exchange(member.sync, parked_request{who.token, who.version}))
    turn.reply(older->token, sync_refused(kafka_error::rebalance_in_progress));
  if (group.is_leader(id) && !group.proposal)
    propose(group, turn, request);
}

kafka_error heartbeat(group_state& group, group_turn& turn,
  const kafka::heartbeat_request& request) {
  const auto error
    = group.validate(request.member_id, request.group_instance_id);
  if (error != kafka_error::none)
    return error;
  if (request.generation_id != group.generation())
    return kafka_error::illegal_generation;
  group.refresh(request.member_id, turn.now_ms);
  return group.phase() == group_phase::preparing_rebalance
           ? kafka_error::rebalance_in_progress
           : kafka_error::none;
}

kafka::leave_group_response leave_group(group_state& group, group_turn& turn,
  const group_request_context& who, const kafka::leave_group_request& request) {
  group_rebalance rebalance{group, turn};
  kafka::leave_group_response answer;
  rebalance_cause cause{{}, "left"};
  if (who.version < leave_batch_version) {
    answer.error_code = code_of(
      leave(group, rebalance, request.member_id, std::nullopt, cause.member));
  } else {
    for (const auto& m : request.members) {
      const auto error = leave(
        group, rebalance, m.member_id, m.group_instance_id, cause.member);
      if (error == kafka_error::none)
        cause.reason = with_words("left", m.reason);
      answer.members.push_back(
        {m.member_id, m.group_instance_id, code_of(error)});
    }
  }
  if (!cause.member.empty())
    rebalance.members_changed(cause);
  else
    rebalance.complete_if_all_joined();
  return answer;
}

} // namespace millrace
