#include "cluster/share_group_heartbeat.hpp"

#include "cluster/group_answers.hpp"
#include "cluster/group_names.hpp"

#include <algorithm>

namespace millrace {

namespace {

using assignment_value
  = kafka::share_group_heartbeat_response::member_assignment;
using assigned_topic
  = kafka::share_group_heartbeat_response::assigned_topic_partitions;

constexpr size_t member_id_max = 36; // a UUID's text

group_refusal invalid(const char* why) {
  return {kafka_error::invalid_request, why};
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  const auto rest = std::ranges::unique(names);
  names.erase(rest.begin(), rest.end());
  return names;
}

group_refusal unknown_member(
  const std::string& member, const std::string& group) {
  return {kafka_error::unknown_member_id,
    "Member " + member + " is not a member of group " + group + "."};
}

/// Whether a known member may come with this epoch: its own, or the one before,
/// as the answer with the new one may be lost; or to join again.
group_refusal check_share_epoch(
  const share_group_member& member, int32_t epoch) {
  if (epoch == epoch_joining || epoch == member.epoch
      || epoch == member.previous_epoch)
    return {};
  const auto received = "(" + std::to_string(epoch) + ")";
  const auto known = "(" + std::to_string(member.epoch) + ")";
  const std::string rejoin
    = " The member must abandon all its partitions and rejoin.";
  if (epoch > member.epoch)
    return {kafka_error::fenced_member_epoch,
      "The share group member has a greater member epoch " + received
        + " than the one known by the group coordinator " + known + "."
        + rejoin};
  return {kafka_error::fenced_member_epoch,
    "The share group member has a smaller member epoch " + received
      + " than the one known by the group coordinator " + known
      + ", and it does not match the previous member epoch ("
      + std::to_string(member.previous_epoch) + ")." + rejoin};
}

/// Strings that records can hold.
bool fits_records(const kafka::share_group_heartbeat_request& request) {
  const auto fits = [](const std::string& text) {
    return text.size() <= record_string_max;
  };
  return fits(request.group_id) && fits(request.member_id);
}

} // namespace

group_refusal check_heartbeat(
  const kafka::share_group_heartbeat_request& request) {
  if (is_blank(request.member_id))
    return invalid("MemberId can't be empty.");
  if (request.member_id.size() > member_id_max)
    return invalid("");
  if (is_blank(request.group_id))
    return invalid("GroupId can't be empty.");
  if (is_blank(request.rack_id))
    return invalid("RackId can't be empty.");
  if (request.member_epoch < epoch_leaving)
    return invalid("MemberEpoch is invalid.");
  if (request.member_epoch == epoch_joining
      && (!request.subscribed_topic_names
          || request.subscribed_topic_names->empty()))
    return invalid("SubscribedTopicNames must be set in first request.");
  if (!fits_records(request))
    return invalid("A name is too long.");
  return {};
}

kafka::share_group_heartbeat_response share_group_heartbeat::run() {
  return request_.member_epoch == epoch_leaving ? leave() : stay();
}

group_refusal share_group_heartbeat::admit() const {
  const auto& group = change_.group();
  const auto* known = group.find(request_.member_id);
  if (known)
    return check_share_epoch(*known, request_.member_epoch);
  const auto size_max
    = static_cast<size_t>(std::max(context_.config.size_max, 0));
  if (group.members().size() >= size_max)
    return {kafka_error::group_max_size_reached,
      "The share group has reached its maximum capacity of "
        + std::to_string(context_.config.size_max) + " members."};
  if (request_.member_epoch == epoch_joining)
    return {};
  return unknown_member(request_.member_id, group.id());
}

share_group_member share_group_heartbeat::updated() const {
  const auto* known = change_.group().find(request_.member_id);
  auto member = known ? *known : share_group_member{};
  member.id = request_.member_id;
  if (request_.rack_id)
    member.rack_id = request_.rack_id;
  if (request_.subscribed_topic_names)
    member.topic_names = sorted(*request_.subscribed_topic_names);
  member.client_id = who_.client_id;
  member.client_host = who_.client_host;
  return member;
}

kafka::share_group_heartbeat_response share_group_heartbeat::stay() {
  if (auto refusal = admit())
    return share_heartbeat_refused(std::move(refusal));
  const auto& id = request_.member_id;
  const auto* known = change_.group().find(id);
  const auto before = known ? *known : share_group_member{};
  change_.set_metadata(updated());
  update_epoch(before, !known);
  change_.assign(context_.topics, context_.config.assignment_interval_ms);
  change_.reconcile(id);
  change_.initialize_subscribed(context_.topics);
  group_.keep_alive(id, context_.now_ms + context_.config.session_timeout_ms);
  const auto& after = *change_.group().find(id);
  response answer;
  answer.member_id = id;
  answer.member_epoch = after.epoch;
  answer.heartbeat_interval_ms = heartbeat_interval_ms();
  if (request_.member_epoch == epoch_joining || request_.subscribed_topic_names
      || after.assigned != before.assigned)
    answer.assignment
      = assignment_value{list_of<assigned_topic>(after.assigned)};
  return answer;
}

void share_group_heartbeat::update_epoch(
  const share_group_member& before, bool is_new) {
  const auto& now = *change_.group().find(request_.member_id);
  bool changed = is_new || now.topic_names != before.topic_names;
  const bool topics_changed
    = group_.topics_version != context_.topics.version();
  group_.topics_version = context_.topics.version();
  if (change_.group().epoch() == change_.group().assignment_epoch()
      && std::exchange(group_.ready_news, false))
    changed = changed || !change_.group().assigns_ready(context_.topics);
  if ((changed || topics_changed)
      && change_.start_epoch(context_.topics, changed))
    group_.changed_ms = context_.now_ms;
}

kafka::share_group_heartbeat_response share_group_heartbeat::leave() {
  const auto& id = request_.member_id;
  if (!change_.group().find(id))
    return share_heartbeat_refused(unknown_member(id, change_.group().id()));
  change_.remove(id);
  group_.forget(id);
  if (change_.start_epoch(context_.topics, true))
    group_.changed_ms = context_.now_ms;
  response answer;
  answer.member_id = id;
  answer.member_epoch = request_.member_epoch;
  return answer;
}

int32_t share_group_heartbeat::heartbeat_interval_ms() const {
  const auto& config = context_.config;
  const auto& group = change_.group();
  const bool settling
    = !group.partitions().initializing.empty() || group_.ready_news
      || group.epoch() != group.assignment_epoch()
      || context_.now_ms - group_.changed_ms < config.heartbeat_interval_ms;
  return settling ? std::min(config.heartbeat_interval_ms,
                      config.settling_heartbeat_interval_ms)
                  : config.heartbeat_interval_ms;
}

std::vector<share_group_record> expire_members(
  share_group& group, const share_group_context& context) {
  share_group_change change{group.states.latest(), context.wall_ms};
  const auto overdue = group.due(context.now_ms);
  for (const auto& id : overdue) {
    change.remove(id);
    group.forget(id);
  }
  if (!overdue.empty()) {
    change.start_epoch(context.topics, true);
    group.changed_ms = context.now_ms;
  }
  group.recompute_wake();
  return change.records();
}

kafka::share_group_heartbeat_response share_heartbeat_refused(
  group_refusal refusal) {
  kafka::share_group_heartbeat_response answer;
  answer.error_code = code_of(refusal.error);
  if (!refusal.message.empty())
    answer.error_message = std::move(refusal.message);
  return answer;
}

} // namespace millrace
