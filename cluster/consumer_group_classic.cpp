#include "cluster/consumer_group_classic.hpp"

#include "cluster/embedded_protocol.hpp"
#include "cluster/group_answers.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int16_t id_required_version = 4; // of JoinGroup; KIP-394
constexpr int16_t leave_batch_version = 3; // of LeaveGroup; KIP-345

/// What a member says of itself in JoinGroup.
consumer_group_member updated(const consumer_group_member* known,
  const std::string& id, const group_request_context& who,
  const kafka::join_group_request& request,
  const kafka::consumer_protocol_subscription& subscription) {
  auto member = known ? *known : consumer_group_member{};
  member.id = id;
  member.instance_id = request.group_instance_id;
  if (subscription.rack_id)
    member.rack_id = subscription.rack_id;
  member.rebalance_timeout_ms = who.version == 0 ? request.session_timeout_ms
                                                 : request.rebalance_timeout_ms;
  member.topic_names = subscription.topics;
  std::ranges::sort(member.topic_names);
  const auto rest = std::ranges::unique(member.topic_names);
  member.topic_names.erase(rest.begin(), rest.end());
  member.topic_regex.clear();
  member.client_id = who.client_id;
  member.client_host = who.client_host;
  auto& classic = member.classic.emplace();
  classic.session_timeout_ms = request.session_timeout_ms;
  for (const auto& p : request.protocols)
    classic.protocols.push_back({p.name, p.metadata});
  return member;
}

/// What it still owns; of another generation it has lost all.
partition_set owned_by(const consumer_group_member* known,
  const kafka::consumer_protocol_subscription& subscription,
  const topic_view& topics) {
  const auto generation = subscription.generation_id;
  if (generation != -1 && (!known || generation != known->epoch))
    return {};
  return partitions_by_name(subscription.owned_partitions, topics);
}

/// Whether a part of its target is free that it does not have.
bool can_take_more(
  const consumer_group_state& group, const consumer_group_member& member) {
  for (const auto& [topic, partitions] : group.target(member.id))
    for (const auto partition : partitions)
      if (!member.assignment_epoch(topic, partition)
          && group.is_held(topic, partition))
        return false;
  return true;
}

/// Whether it must send JoinGroup to go on.
bool must_rejoin(
  const consumer_group_state& group, const consumer_group_member& member) {
  switch (member.phase) {
  case member_phase::stable:
    return member.epoch < group.epoch();
  case member_phase::unrevoked_partitions:
    return true;
  case member_phase::unreleased_partitions:
    return member.epoch < group.epoch() || can_take_more(group, member);
  }
  return false;
}

} // namespace

kafka::join_group_response consumer_group_classic::join(
  const kafka::join_group_request& request, const std::string& new_member_id) {
  const auto refuse = [&](kafka_error error, const std::string& id) {
    return join_refused(who_.version, id, error);
  };
  const bool is_new = request.member_id.empty();
  const auto id = is_new ? new_member_id : request.member_id;
  if (moves_.check_room(id))
    return refuse(kafka_error::group_max_size_reached, "");
  if (!supports(request, id))
    return refuse(kafka_error::inconsistent_group_protocol, request.member_id);
  const auto subscription = read_subscription(request.protocols[0].metadata);
  if (!subscription)
    return refuse(kafka_error::inconsistent_group_protocol, request.member_id);
  if (is_new && !request.group_instance_id
      && who_.version >= id_required_version)
    return refuse(kafka_error::member_id_required, id);
  if (const auto error = admit(request, id); error != kafka_error::none)
    return refuse(error, request.member_id);
  const auto* known = moves_.group().find(id);
  const auto owned = owned_by(known, *subscription, context_.topics);
  moves_.update(updated(known, id, who_, request, *subscription), owned);
  const auto& member = *moves_.group().find(id);
  group_.end_request(id);
  await_request(member); // the SyncGroup
  auto answer = refuse(kafka_error::none, id);
  answer.generation_id = member.epoch;
  answer.protocol_type = consumer_protocol;
  answer.protocol_name = member.classic->protocols[0].name;
  return answer;
}

kafka_error consumer_group_classic::admit(
  const kafka::join_group_request& request, const std::string& id) {
  if (!request.group_instance_id)
    return kafka_error::none; // an id that was made here, perhaps just now
  const auto* owner = moves_.group().find_static(*request.group_instance_id);
  if (!request.member_id.empty()) {
    if (!owner)
      return kafka_error::unknown_member_id;
    return owner->id == id ? kafka_error::none
                           : kafka_error::fenced_instance_id;
  }
  if (owner) {
    const auto old_id = owner->id; // it goes
    moves_.replace(old_id, id);
  }
  return kafka_error::none;
}

bool consumer_group_classic::supports(
  const kafka::join_group_request& request, const std::string& id) const {
  if (request.protocol_type != consumer_protocol || request.protocols.empty())
    return false;
  const auto& members = moves_.group().members();
  return std::ranges::any_of(request.protocols, [&](const auto& p) {
    return std::ranges::all_of(members, [&](const auto& entry) {
      const auto& [other, member] = entry;
      return other == id || !member.classic
             || std::ranges::count(
                  member.classic->protocols, p.name, &group_protocol::name)
                  > 0;
    });
  });
}

kafka_error consumer_group_classic::find(
  const std::string& id, const std::optional<std::string>& instance_id) const {
  const auto* member = instance_id ? moves_.group().find_static(*instance_id)
                                   : moves_.group().find(id);
  if (!member)
    return kafka_error::unknown_member_id;
  if (member->id != id)
    return kafka_error::fenced_instance_id;
  return member->classic ? kafka_error::none : kafka_error::unknown_member_id;
}

kafka::sync_group_response consumer_group_classic::sync(
  const kafka::sync_group_request& request) {
  const auto& group = moves_.group();
  const auto& id = request.member_id;
  if (const auto error = find(id, request.group_instance_id);
    error != kafka_error::none)
    return sync_refused(error);
  const auto& member = *group.find(id);
  const auto& protocol = member.classic->protocols[0];
  if (request.generation_id != member.epoch)
    return sync_refused(kafka_error::illegal_generation);
  if ((request.protocol_type && request.protocol_type != consumer_protocol)
      || (request.protocol_name && request.protocol_name != protocol.name))
    return sync_refused(kafka_error::inconsistent_group_protocol);
  // Who is to give something up learns it by this answer, and rejoins.
  if (member.epoch < group.epoch()
      && member.phase != member_phase::unrevoked_partitions) {
    await_request(member);
    return sync_refused(kafka_error::rebalance_in_progress);
  }
  group_.end_request(id);
  keep_alive(member);
  kafka::sync_group_response answer;
  answer.protocol_type = consumer_protocol;
  answer.protocol_name = protocol.name;
  answer.assignment = write_assignment(
    protocol.metadata, partitions_in(member.assigned), context_.topics);
  return answer;
}

kafka::heartbeat_response consumer_group_classic::heartbeat(
  const kafka::heartbeat_request& request) {
  const auto& group = moves_.group();
  kafka::heartbeat_response answer;
  const auto error = find(request.member_id, request.group_instance_id);
  answer.error_code = code_of(error);
  if (error != kafka_error::none)
    return answer;
  const auto& member = *group.find(request.member_id);
  if (request.generation_id != member.epoch) {
    answer.error_code = code_of(kafka_error::illegal_generation);
    return answer;
  }
  keep_alive(member);
  if (must_rejoin(group, member)) {
    await_request(member);
    answer.error_code = code_of(kafka_error::rebalance_in_progress);
  }
  return answer;
}

kafka::leave_group_response consumer_group_classic::leave(
  const kafka::leave_group_request& request) {
  std::vector<consumer_group::departure> gone;
  kafka::leave_group_response answer;
  if (who_.version < leave_batch_version) {
    answer.error_code
      = code_of(take_out(request.member_id, std::nullopt, std::nullopt, gone));
  } else {
    for (const auto& m : request.members)
      answer.members.push_back({m.member_id, m.group_instance_id,
        code_of(take_out(m.member_id, m.group_instance_id, m.reason, gone))});
  }
  if (!gone.empty())
    moves_.remove(gone);
  return answer;
}

kafka_error consumer_group_classic::take_out(const std::string& member_id,
  const std::optional<std::string>& instance_id,
  const std::optional<std::string>& words,
  std::vector<consumer_group::departure>& gone) const {
  auto id = member_id;
  if (id.empty() && instance_id)
    if (const auto* member = moves_.group().find_static(*instance_id))
      id = member->id; // an admin's wish
  if (const auto error = find(id, instance_id); error != kafka_error::none)
    return error;
  const bool named
    = std::ranges::count(gone, id, &consumer_group::departure::member_id) > 0;
  if (named)
    return kafka_error::unknown_member_id;
  gone.push_back({id, with_words("left", words)});
  return kafka_error::none;
}

void consumer_group_classic::await_request(
  const consumer_group_member& member) {
  group_.await_request(
    member.id, context_.now_ms + member.rebalance_timeout_ms);
}

void consumer_group_classic::keep_alive(const consumer_group_member& member) {
  group_.keep_alive(member.id,
    context_.now_ms
      + member.session_timeout_ms(context_.config.session_timeout_ms));
}

} // namespace millrace
