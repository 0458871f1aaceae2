#include "schema/kafka/share_acknowledge.hpp"

#include "actors/kafka/share_parts.hpp"

namespace millrace {

namespace {

/// Members' ids are UUIDs that they make up (KIP-932).
constexpr size_t member_id_size_max = 36;

using acknowledge_response = kafka::share_acknowledge_response;

void refuse(gateway_core& hub, const reply_slot& slot, kafka_error error) {
  acknowledge_response response;
  response.error_code = code(error);
  reply(hub, slot, response);
}

/// Answers when all partitions have; a session that ends does so then.
struct pending_acknowledge {
  share_session_key key;
  bool ends = false;
  std::vector<share_session_partition> of;
  std::vector<kafka_error> errors;
};

void answer(
  gateway_core& hub, const reply_slot& slot, const pending_acknowledge& done) {
  if (done.ends)
    hub.end_share_session(done.key);
  acknowledge_response response;
  response.acquisition_lock_timeout_ms
    = share_settings_of(hub, done.key.group).limits.lock_duration_ms;
  leader_hints hints{hub, slot, response};
  for (size_t i = 0; i < done.of.size(); ++i) {
    auto& entry = add_shared(response, done.of[i]);
    entry.error_code = code(done.errors[i]);
    if (done.errors[i] == kafka_error::not_leader_or_follower)
      hints.add(
        hub.image().find_topic(done.of[i].topic), done.of[i].partition, entry);
  }
  reply(hub, slot, response);
}

} // namespace

share_settings share_settings_of(
  const gateway_core& hub, std::string_view group) {
  return share_settings_of(std::string{group}, hub.image(), hub.config());
}

std::optional<share_session_key> share_key_of(
  const std::optional<std::string>& group,
  const std::optional<std::string>& member) {
  if (!group || !member || member->empty()
      || member->size() > member_id_size_max)
    return std::nullopt;
  return share_session_key{*group, *member};
}

kafka_error ask_to_acknowledge(gateway_core& hub, const share_session_key& key,
  shared_acknowledgements what, share_acknowledge_type highest,
  const gateway_core::sink_ptr& sink, uint32_t part) {
  const auto found = locate(hub, what.of.topic, what.of.partition);
  if (found.error != kafka_error::none)
    return found.error;
  if (!are_plausible(what.batches, highest))
    return kafka_error::invalid_request;
  hub.ask_share(found.partition, sink, part,
    {.group = key.group,
      .member = key.member,
      .settings = share_settings_of(hub, key.group),
      .question = share_acknowledge_question{std::move(what.batches)}});
  return kafka_error::none;
}

result<void> handle_share_acknowledge(
  gateway_core& hub, kafka_request& request) {
  kafka::share_acknowledge_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto key = share_key_of(body.group_id, body.member_id);
  if (!key) {
    refuse(hub, request.slot, kafka_error::invalid_request);
    return {};
  }
  if (const auto error
      = hub.share_sessions().begin_acknowledge(*key, body.share_session_epoch);
    error != kafka_error::none) {
    refuse(hub, request.slot, error);
    return {};
  }
  const bool renews = request.header.api_version >= 2 && body.is_renew_ack;
  auto pending = std::make_shared<pending_acknowledge>();
  pending->key = *key;
  pending->ends = body.share_session_epoch == share_session_ends;
  auto all = acknowledgements_of(body.topics);
  for (const auto& one : all)
    pending->of.push_back(one.of);
  pending->errors.resize(all.size());
  auto sink = std::make_shared<gather_sink<share_answer>>(
    [pending](uint32_t part, share_answer* answered) {
      pending->errors[part] = answered == nullptr
                                ? kafka_error::not_leader_or_follower
                                : answered->error;
    },
    [&hub, slot = request.slot, pending] {
      answer(hub, slot, *pending);
    });
  for (uint32_t i = 0; i < all.size(); ++i) {
    pending->errors[i] = ask_to_acknowledge(
      hub, *key, std::move(all[i]), highest_type(renews), sink, i);
    if (pending->errors[i] == kafka_error::none)
      sink->expect();
  }
  sink->asked_all();
  return {};
}

} // namespace millrace
