// The APIs that the controller decides: each is sent there as it is, and
// answered once this node's image has applied what was decided.

#include "actors/kafka/sinks.hpp"
#include "schema/kafka/init_producer_id.hpp"

namespace millrace {

namespace {

template <class Request, class Response>
result<void> forward(gateway_core& hub, kafka_request& request) {
  Request body;
  MILLRACE_TRY(read_body(request, body));
  const auto slot = request.slot;
  auto sink = std::make_shared<gather_sink<admin_answer>>(
    [&hub, slot](uint32_t, admin_answer* answer) {
      if (answer != nullptr)
        if (auto* response = std::get_if<Response>(&answer->reply)) {
          reply(hub, slot, *response);
          return;
        }
      // The controller restarts: clients connect again and retry.
      hub.close(slot, "the controller is not there");
    },
    [] {});
  sink->expect();
  hub.ask_admin(sink, 0, slot.version, std::move(body));
  return {};
}

} // namespace

result<void> handle_create_topics(gateway_core& hub, kafka_request& request) {
  return forward<kafka::create_topics_request, kafka::create_topics_response>(
    hub, request);
}

result<void> handle_delete_topics(gateway_core& hub, kafka_request& request) {
  return forward<kafka::delete_topics_request, kafka::delete_topics_response>(
    hub, request);
}

result<void> handle_create_partitions(
  gateway_core& hub, kafka_request& request) {
  return forward<kafka::create_partitions_request,
    kafka::create_partitions_response>(hub, request);
}

result<void> handle_alter_configs(gateway_core& hub, kafka_request& request) {
  return forward<kafka::alter_configs_request, kafka::alter_configs_response>(
    hub, request);
}

result<void> handle_incremental_alter_configs(
  gateway_core& hub, kafka_request& request) {
  return forward<kafka::incremental_alter_configs_request,
    kafka::incremental_alter_configs_response>(hub, request);
}

result<void> handle_init_producer_id(
  gateway_core& hub, kafka_request& request) {
  return forward<kafka::init_producer_id_request,
    kafka::init_producer_id_response>(hub, request);
}

} // namespace millrace
