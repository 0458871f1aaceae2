// What leaders of partitions and coordinators of groups ask share coordinators
// (KIP-932): each share partition is asked of its own.

#include "actors/kafka/sinks.hpp"
#include "cluster/share_state_wire.hpp"

namespace millrace {

namespace {

using question = share_state_question;
using state_sink = gather_sink<share_state_result>;

/// Whether only partitions that are there may be asked about so. Of others
/// that have been read or written their coordinator says that it does not know
/// them.
bool needs_partition(const question& q) {
  return !std::holds_alternative<question::read>(q.what)
         && !std::holds_alternative<question::write>(q.what);
}

bool is_there(const gateway_core& hub, const share_partition_key& key) {
  const auto* topic = hub.image().find_topic(key.topic);
  return topic != nullptr && key.partition >= 0
         && static_cast<size_t>(key.partition) < topic->partitions.size();
}

/// What can be said without a coordinator: none if nothing can.
share_state_answer check(const gateway_core& hub, const question& q) {
  if (q.key.partition < 0)
    return {kafka_error::invalid_request,
      "The partition id cannot be a negative number.", {}};
  if (needs_partition(q) && !is_there(hub, q.key))
    return {kafka_error::unknown_topic_or_partition,
      "This server does not host this topic-partition.", {}};
  return {};
}

template <class Request, class Response>
result<void> handle(gateway_core& hub, kafka_request& request) {
  Request body;
  MILLRACE_TRY(read_body(request, body));
  struct round {
    std::vector<question> questions;
    std::vector<share_state_answer> answers;
  };
  auto all = std::make_shared<round>();
  if (!body.group_id.empty())
    all->questions = questions_of(body);
  all->answers.resize(all->questions.size());
  auto sink = std::make_shared<state_sink>(
    [all](uint32_t part, share_state_result* result) {
      if (result == nullptr)
        all->answers[part].error = kafka_error::not_coordinator;
      else
        all->answers[part] = std::move(result->answer);
    },
    [&hub, slot = request.slot, all] {
      reply(hub, slot, response_of<Response>(all->questions, all->answers));
    });
  for (uint32_t part = 0; part < all->questions.size(); ++part) {
    const auto& q = all->questions[part];
    auto& answer = all->answers[part];
    answer = check(hub, q);
    if (answer.error != kafka_error::none)
      continue;
    const auto key = to_string(q.key);
    const auto& coordinator = hub.share_coordinator(key);
    if (coordinator == nullptr) {
      answer.error = why_no_share_coordinator(hub, key);
      continue;
    }
    sink->expect();
    hub.ask_share_state(coordinator, sink, part, q);
  }
  sink->asked_all();
  return {};
}

} // namespace

result<void> handle_initialize_share_group_state(
  gateway_core& hub, kafka_request& request) {
  return handle<kafka::initialize_share_group_state_request,
    kafka::initialize_share_group_state_response>(hub, request);
}

result<void> handle_read_share_group_state(
  gateway_core& hub, kafka_request& request) {
  return handle<kafka::read_share_group_state_request,
    kafka::read_share_group_state_response>(hub, request);
}

result<void> handle_write_share_group_state(
  gateway_core& hub, kafka_request& request) {
  return handle<kafka::write_share_group_state_request,
    kafka::write_share_group_state_response>(hub, request);
}

result<void> handle_delete_share_group_state(
  gateway_core& hub, kafka_request& request) {
  return handle<kafka::delete_share_group_state_request,
    kafka::delete_share_group_state_response>(hub, request);
}

result<void> handle_read_share_group_state_summary(
  gateway_core& hub, kafka_request& request) {
  return handle<kafka::read_share_group_state_summary_request,
    kafka::read_share_group_state_summary_response>(hub, request);
}

} // namespace millrace
