#include "actors/kafka/sinks.hpp"
#include "actors/log.hpp"
#include "cluster/metadata_answers.hpp"

namespace millrace {

result<void> handle_metadata(gateway_core& hub, kafka_request& request) {
  kafka::metadata_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto view = view_of(hub, request);
  auto answer = answer_metadata(body, view, hub.image(), hub.config());
  const bool may_create
    = hub.config().auto_create_topics
      && (view.version < 4 || body.allow_auto_topic_creation);
  if (answer.missing.empty() || !may_create) {
    reply(hub, request.slot, answer.response);
    return {};
  }
  // What is made on first use is there when the client hears of it.
  auto again = [&hub, slot = request.slot, body, view] {
    reply(hub, slot,
      answer_metadata(body, view, hub.image(), hub.config()).response);
  };
  auto sink = std::make_shared<gather_sink<admin_answer>>(
    [](uint32_t, admin_answer*) {}, again);
  sink->expect();
  hub.ask_admin(
    sink, 0, view.version, auto_create_topics{std::move(answer.missing)});
  sink->asked_all();
  return {};
}

result<void> handle_describe_cluster(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_cluster_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot,
    answer_describe_cluster(body, view_of(hub, request), hub.image()));
  return {};
}

result<void> handle_describe_topic_partitions(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_topic_partitions_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot,
    answer_describe_topic_partitions(
      body, view_of(hub, request), hub.image(), hub.config()));
  return {};
}

result<void> handle_describe_configs(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_configs_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot,
    answer_describe_configs(
      body, view_of(hub, request), hub.image(), hub.config()));
  return {};
}

result<void> handle_list_config_resources(
  gateway_core& hub, kafka_request& request) {
  kafka::list_config_resources_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot,
    answer_list_config_resources(body, view_of(hub, request), hub.image()));
  return {};
}

} // namespace millrace
