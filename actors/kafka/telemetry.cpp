#include "actors/client_telemetry.hpp"
#include "actors/kafka/handlers.hpp"
#include "actors/kafka/session.hpp"
#include "actors/kafka/sinks.hpp"
#include "schema/kafka/get_telemetry_subscriptions.hpp"
#include "schema/kafka/push_telemetry.hpp"

namespace millrace {

namespace {

telemetry_client client_of(
  gateway_core& hub, const kafka_request& request, const uuid& instance_id) {
  telemetry_client client;
  client.instance_id = instance_id;
  client.client_id = request.header.client_id.value_or("");
  if (const auto* software = hub.software(request.slot)) {
    client.software_name = software->name;
    client.software_version = software->version;
  }
  if (request.remote != nullptr) {
    client.address = request.remote->host;
    client.port = request.remote->port;
  }
  return client;
}

} // namespace

result<void> handle_get_telemetry_subscriptions(
  gateway_core& hub, kafka_request& request) {
  kafka::get_telemetry_subscriptions_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto id = body.client_instance_id.is_zero() ? hub.env().random_uuid()
                                                    : body.client_instance_id;
  reply(hub, request.slot,
    hub.telemetry().ask(hub.image(), client_of(hub, request, id),
      hub.config().telemetry_bytes_max, hub.now_ms()));
  return {};
}

result<void> handle_push_telemetry(gateway_core& hub, kafka_request& request) {
  kafka::push_telemetry_request body;
  MILLRACE_TRY(read_body(request, body));
  kafka::push_telemetry_response answer;
  answer.error_code = code(hub.telemetry().push(hub.image(),
    client_of(hub, request, body.client_instance_id), body,
    hub.config().telemetry_bytes_max, hub.now_ms()));
  reply(hub, request.slot, answer);
  return {};
}

} // namespace millrace
