#include "actors/kafka/handlers.hpp"
#include "cluster/security_answers.hpp"

namespace millrace {

namespace {

template <class Request>
result<void> refuse(gateway_core& hub, kafka_request& request) {
  Request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot, answer_without_security(body));
  return {};
}

} // namespace

result<void> handle_describe_acls(gateway_core& hub, kafka_request& request) {
  return refuse<kafka::describe_acls_request>(hub, request);
}

result<void> handle_create_acls(gateway_core& hub, kafka_request& request) {
  return refuse<kafka::create_acls_request>(hub, request);
}

result<void> handle_delete_acls(gateway_core& hub, kafka_request& request) {
  return refuse<kafka::delete_acls_request>(hub, request);
}

result<void> handle_describe_user_scram_credentials(
  gateway_core& hub, kafka_request& request) {
  return refuse<kafka::describe_user_scram_credentials_request>(hub, request);
}

result<void> handle_alter_user_scram_credentials(
  gateway_core& hub, kafka_request& request) {
  return refuse<kafka::alter_user_scram_credentials_request>(hub, request);
}

} // namespace millrace
