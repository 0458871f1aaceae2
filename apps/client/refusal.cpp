#include "apps/client/refusal.hpp"

namespace millrace::client {
namespace {

/// Cause and cure for the codes that users meet, where the server is silent.
const char* reason_of(kafka_error code) {
  using enum kafka_error;
  switch (code) {
  case unknown_topic_or_partition:
    return "there is no such topic or partition; `millrace topic list` shows "
           "what there is";
  case offset_out_of_range:
    return "the offset is outside the log: its records were deleted or are "
           "not written yet";
  case message_too_large:
    return "a record is larger than the topic's max.message.bytes";
  case not_enough_replicas:
  case not_enough_replicas_after_append:
    return "fewer replicas are in sync than min.insync.replicas asks for";
  case topic_already_exists:
    return "a topic of this name exists";
  case group_id_not_found:
    return "there is no such group; `millrace group list` shows what there is";
  case non_empty_group:
    return "the group has members; stop its consumers first";
  case group_subscribed_to_topic:
    return "the group's members read this topic; stop its consumers first";
  case unknown_member_id:
  case rebalance_in_progress:
    return "the group has members; stop its consumers first";
  case coordinator_not_available:
  case coordinator_load_in_progress:
  case not_coordinator:
    return "the group's coordinator is not ready";
  case leader_not_available:
  case not_leader_or_follower:
    return "the partition has no leader at the moment";
  case unsupported_version:
    return "the server does not know this version of the request";
  case request_timed_out:
    return "the server did not finish in time";
  default:
    return nullptr;
  }
}

errc errc_of(kafka_error code) {
  using enum kafka_error;
  switch (code) {
  case unknown_topic_or_partition:
  case unknown_topic_id:
  case group_id_not_found:
  case resource_not_found:
    return errc::not_found;
  case topic_already_exists:
    return errc::already_exists;
  case unsupported_version:
    return errc::unsupported;
  case topic_authorization_failed:
  case group_authorization_failed:
  case cluster_authorization_failed:
    return errc::permission;
  default:
    return is_retriable(code) ? errc::offline : errc::io_error;
  }
}

} // namespace

error refused(kafka_error code, std::string_view what,
  const std::optional<std::string>& message) {
  std::string text = "cannot " + std::string{what} + ": ";
  const char* reason = reason_of(code);
  if (message && !message->empty())
    text += *message + " (" + to_string(code) + ")";
  else if (reason != nullptr)
    text += std::string{reason} + " (" + to_string(code) + ")";
  else
    text += to_string(code);
  return {errc_of(code), std::move(text)};
}

} // namespace millrace::client
