#include "cluster/consumer_group_heartbeat.hpp"

#include "cluster/group_answers.hpp"

#include <algorithm>

namespace millrace {

namespace {

using assignment_value
  = kafka::consumer_group_heartbeat_response::member_assignment;
using assigned_topic
  = kafka::consumer_group_heartbeat_response::assigned_topic_partitions;

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  const auto rest = std::ranges::unique(names);
  names.erase(rest.begin(), rest.end());
  return names;
}

group_refusal fenced_instance(
  const consumer_group_member& owner, const std::string& member_id) {
  return {kafka_error::fenced_instance_id,
    "Static member " + member_id + " with instance id "
      + owner.instance_id.value_or("") + " was fenced by member " + owner.id
      + "."};
}

group_refusal unknown_instance(const std::string& instance_id) {
  return {kafka_error::unknown_member_id,
    "Instance id " + instance_id + " is unknown."};
}

} // namespace

consumer_group_heartbeat::consumer_group_heartbeat(consumer_group& group,
  const consumer_group_context& context, const group_request_context& who,
  const kafka::consumer_group_heartbeat_request& request,
  std::string new_member_id)
    : group_(group), context_(context), who_(who), request_(request),
      moves_(group, context),
      id_(request.member_id.empty() ? std::move(new_member_id)
                                    : request.member_id) {
  if (request.topic_partitions)
    owned_ = partitions_of(*request.topic_partitions);
}

kafka::consumer_group_heartbeat_response consumer_group_heartbeat::run() {
  return request_.member_epoch < 0 ? leave() : stay();
}

group_refusal consumer_group_heartbeat::admit() {
  if (auto refusal = moves_.check_room(id_))
    return refusal;
  return request_.instance_id ? admit_static() : admit_dynamic();
}

group_refusal consumer_group_heartbeat::admit_dynamic() {
  const auto* known = moves_.group().find(id_);
  if (known)
    return check_epoch(*known, request_.member_epoch, owned_);
  if (request_.member_epoch == epoch_joining)
    return {};
  return {kafka_error::unknown_member_id,
    "Member " + id_ + " is not a member of group " + moves_.group().id() + "."};
}

group_refusal consumer_group_heartbeat::admit_static() {
  const auto* owner = moves_.group().find_static(*request_.instance_id);
  if (request_.member_epoch != epoch_joining) {
    if (!owner)
      return unknown_instance(*request_.instance_id);
    if (owner->id != id_)
      return fenced_instance(*owner, id_);
    return check_epoch(*owner, request_.member_epoch, owned_);
  }
  if (!owner)
    return {};
  // Who spoke the classic protocol does not say that it goes for a while.
  if (!owner->is_away() && !owner->classic)
    return {kafka_error::unreleased_instance_id,
      "Static member " + id_ + " with instance id " + *request_.instance_id
        + " cannot join the group because the instance id is owned by "
        + owner->id + " member."};
  const auto old_id = owner->id; // it goes
  moves_.replace(old_id, id_);
  return {};
}

consumer_group_member consumer_group_heartbeat::updated() const {
  const auto* known = moves_.group().find(id_);
  auto member = known ? *known : consumer_group_member{};
  member.id = id_;
  if (request_.instance_id)
    member.instance_id = request_.instance_id;
  if (request_.rack_id)
    member.rack_id = request_.rack_id;
  if (request_.rebalance_timeout_ms != -1)
    member.rebalance_timeout_ms = request_.rebalance_timeout_ms;
  if (request_.subscribed_topic_names)
    member.topic_names = sorted(*request_.subscribed_topic_names);
  if (request_.subscribed_topic_regex)
    member.topic_regex = *request_.subscribed_topic_regex;
  if (request_.server_assignor)
    member.server_assignor = request_.server_assignor;
  member.classic.reset();
  member.client_id = who_.client_id;
  member.client_host = who_.client_host;
  return member;
}

kafka::consumer_group_heartbeat_response consumer_group_heartbeat::stay() {
  if (auto refusal = admit())
    return heartbeat_refused(std::move(refusal));
  const auto* known = moves_.group().find(id_);
  const auto before = known ? *known : consumer_group_member{};
  moves_.update(updated(), owned_);
  const auto& after = *moves_.group().find(id_);
  response answer;
  answer.member_id = id_;
  answer.member_epoch = after.epoch;
  answer.heartbeat_interval_ms = heartbeat_interval_ms();
  const auto assigned = partitions_in(after.assigned);
  if (is_full_request() || assigned != partitions_in(before.assigned))
    answer.assignment = assignment_value{list_of<assigned_topic>(assigned)};
  return answer;
}

kafka::consumer_group_heartbeat_response consumer_group_heartbeat::leave() {
  const auto& group = moves_.group();
  const consumer_group_member* member = nullptr;
  if (request_.instance_id) {
    member = group.find_static(*request_.instance_id);
    if (!member)
      return heartbeat_refused(unknown_instance(*request_.instance_id));
    if (member->id != id_)
      return heartbeat_refused(fenced_instance(*member, id_));
  } else {
    member = group.find(id_);
    if (!member)
      return heartbeat_refused({kafka_error::unknown_member_id,
        "Member " + id_ + " is not a member of group " + group.id() + "."});
  }
  if (request_.member_epoch == epoch_going_away) {
    moves_.go_away(id_);
  } else {
    moves_.remove({{id_, "left"}});
  }
  response answer;
  answer.member_id = id_;
  answer.member_epoch = request_.member_epoch;
  return answer;
}

bool consumer_group_heartbeat::is_full_request() const {
  return request_.member_epoch == epoch_joining
         || (request_.rebalance_timeout_ms != -1
             && (request_.subscribed_topic_names
                 || request_.subscribed_topic_regex)
             && request_.topic_partitions);
}

int32_t consumer_group_heartbeat::heartbeat_interval_ms() const {
  const auto& config = context_.config;
  const bool settling
    = !moves_.group().is_settled()
      || context_.now_ms - group_.changed_ms < config.heartbeat_interval_ms;
  return settling ? std::min(config.heartbeat_interval_ms,
                      config.settling_heartbeat_interval_ms)
                  : config.heartbeat_interval_ms;
}

kafka::consumer_group_heartbeat_response heartbeat_refused(
  group_refusal refusal) {
  kafka::consumer_group_heartbeat_response answer;
  answer.error_code = code_of(refusal.error);
  if (!refusal.message.empty())
    answer.error_message = std::move(refusal.message);
  return answer;
}

} // namespace millrace
