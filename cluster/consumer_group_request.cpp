#include "cluster/consumer_group_request.hpp"

#include "cluster/group_names.hpp"
#include "cluster/topic_regex.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr int16_t client_ids_version = 1;    // KIP-1082
constexpr int16_t commit_epochs_version = 9; // of OffsetCommit

group_refusal invalid(std::string message) {
  return {kafka_error::invalid_request, std::move(message)};
}

group_refusal check_join(
  const kafka::consumer_group_heartbeat_request& request) {
  if (request.rebalance_timeout_ms == -1)
    return invalid("RebalanceTimeoutMs must be provided in first request.");
  if (!request.topic_partitions || !request.topic_partitions->empty())
    return invalid("TopicPartitions must be empty when (re-)joining.");
  // Empty is fine: a member without topics.
  if (!request.subscribed_topic_names && !request.subscribed_topic_regex)
    return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must "
                   "be non-null when (re-)joining.");
  return {};
}

group_refusal check_assignor(const std::optional<std::string>& name,
  const std::vector<std::string>& known) {
  if (!name || std::ranges::count(known, *name) > 0)
    return {};
  std::string list;
  for (const auto& k : known)
    list += (list.empty() ? "" : ", ") + k;
  return {kafka_error::unsupported_assignor,
    "ServerAssignor " + *name
      + " is not supported. Supported assignors: " + list + "."};
}

group_refusal check_regex(const std::optional<std::string>& regex) {
  const auto fault = regex ? fault_of_regex(*regex) : std::string{};
  if (fault.empty())
    return {};
  return {kafka_error::invalid_regular_expression,
    "SubscribedTopicRegex `" + *regex
      + "` is not a valid regular expression: " + fault + "."};
}

group_refusal unknown_member(
  const consumer_group_state& group, const std::string& member_id) {
  return {kafka_error::unknown_member_id,
    "Member " + member_id + " is not a member of group " + group.id() + "."};
}

group_refusal stale_epoch(int32_t epoch, const consumer_group_member& member) {
  return {member.classic ? kafka_error::illegal_generation
                         : kafka_error::stale_member_epoch,
    "The received member epoch " + std::to_string(epoch)
      + " does not match the expected member epoch "
      + std::to_string(member.epoch) + "."};
}

} // namespace

group_refusal check_heartbeat(
  const kafka::consumer_group_heartbeat_request& request, int16_t version,
  const consumer_group_config& config) {
  if ((version >= client_ids_version || request.member_epoch != epoch_joining)
      && is_blank(request.member_id))
    return invalid("MemberId can't be empty.");
  if (is_blank(request.group_id))
    return invalid("GroupId can't be empty.");
  if (is_blank(request.instance_id))
    return invalid("InstanceId can't be empty.");
  if (is_blank(request.rack_id))
    return invalid("RackId can't be empty.");
  if (request.member_epoch < epoch_going_away)
    return invalid("MemberEpoch is invalid.");
  if (request.member_epoch == epoch_going_away && !request.instance_id)
    return invalid("InstanceId can't be null.");
  if (request.member_epoch == epoch_joining)
    if (auto refusal = check_join(request))
      return refusal;
  if (auto refusal = check_assignor(request.server_assignor, config.assignors))
    return refusal;
  return check_regex(request.subscribed_topic_regex);
}

group_refusal check_epoch(const consumer_group_member& member, int32_t epoch,
  const owned_claim& owned) {
  const auto fenced = [&](const char* how) {
    return group_refusal{kafka_error::fenced_member_epoch,
      "The consumer group member has a " + std::string{how} + " member epoch ("
        + std::to_string(epoch) + ") than the one known by the group "
        + "coordinator (" + std::to_string(member.epoch)
        + "). The member must abandon all its partitions and rejoin."};
  };
  if (epoch > member.epoch)
    return fenced("greater");
  if (epoch < member.epoch
      && (epoch != member.previous_epoch || !owned
          || !is_subset(*owned, partitions_in(member.assigned))))
    return fenced("smaller");
  return {};
}

group_refusal check_commit(const consumer_group_state& group,
  const std::string& member_id, int32_t epoch, int16_t version,
  const partition_set& partitions) {
  if (epoch < 0 && group.members().empty())
    return {}; // keeps offsets only, or an admin's
  const auto* member = group.find(member_id);
  if (!member)
    return unknown_member(group, member_id);
  if (version < commit_epochs_version && !member->classic)
    return {kafka_error::unsupported_version,
      "OffsetCommit version 9 or above must be used by members using the "
      "modern group protocol"};
  if (epoch == member->epoch)
    return {};
  if (epoch > member->epoch || epoch < 0 || partitions.empty())
    return stale_epoch(epoch, *member);
  for (const auto& [topic, list] : partitions)
    for (const auto partition : list) {
      const auto since = member->assignment_epoch(topic, partition);
      if (!since || *since > epoch)
        return stale_epoch(epoch, *member);
    }
  return {};
}

group_refusal check_fetch(const consumer_group_state& group,
  const std::optional<std::string>& member_id, int32_t epoch) {
  if (!member_id && epoch < 0)
    return {};
  const auto* member = group.find(member_id.value_or(""));
  if (!member)
    return unknown_member(group, member_id.value_or(""));
  if (epoch != member->epoch)
    return stale_epoch(epoch, *member);
  return {};
}

} // namespace millrace
