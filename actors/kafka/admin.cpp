// The APIs that the controller decides: each is sent there as it is, and
// answered once this node's image has applied what was decided.

#include "actors/kafka/sinks.hpp"
#include "cluster/reassignment_answers.hpp"

namespace millrace {

namespace {

// What a client is told when no controller could be asked: the cluster has
// none at the moment. All of them try again.

constexpr const char* no_controller
  = "the cluster has no controller at the moment: most of its controllers are "
    "down, or do not reach each other";

kafka::create_topics_response refused(
  const kafka::create_topics_request& request, int16_t error) {
  kafka::create_topics_response response;
  for (const auto& topic : request.topics)
    response.topics.push_back({.name = topic.name,
      .error_code = error,
      .error_message = no_controller,
      .configs = std::nullopt});
  return response;
}

kafka::delete_topics_response refused(
  const kafka::delete_topics_request& request, int16_t error) {
  kafka::delete_topics_response response;
  for (const auto& topic : request.topics)
    response.responses.push_back(
      {topic.name, topic.topic_id, error, no_controller});
  for (const auto& name : request.topic_names)
    response.responses.push_back({name, {}, error, no_controller});
  return response;
}

kafka::create_partitions_response refused(
  const kafka::create_partitions_request& request, int16_t error) {
  kafka::create_partitions_response response;
  for (const auto& topic : request.topics)
    response.results.push_back({topic.name, error, no_controller});
  return response;
}

template <class Response, class Request>
Response refused_resources(const Request& request, int16_t error) {
  Response response;
  for (const auto& resource : request.resources)
    response.responses.push_back(
      {error, no_controller, resource.resource_type, resource.resource_name});
  return response;
}

kafka::alter_configs_response refused(
  const kafka::alter_configs_request& request, int16_t error) {
  return refused_resources<kafka::alter_configs_response>(request, error);
}

kafka::incremental_alter_configs_response refused(
  const kafka::incremental_alter_configs_request& request, int16_t error) {
  return refused_resources<kafka::incremental_alter_configs_response>(
    request, error);
}

// The code of a whole answer is there from version 1 on; before it a client
// sees an empty list.
kafka::elect_leaders_response refused(
  const kafka::elect_leaders_request&, int16_t error) {
  kafka::elect_leaders_response response;
  response.error_code = error;
  return response;
}

/// Those whose answer is one code with one sentence.
template <class Response>
Response refused_with(int16_t error) {
  Response response;
  response.error_code = error;
  response.error_message = no_controller;
  return response;
}

kafka::alter_partition_reassignments_response refused(
  const kafka::alter_partition_reassignments_request&, int16_t error) {
  return refused_with<kafka::alter_partition_reassignments_response>(error);
}

kafka::unregister_broker_response refused(
  const kafka::unregister_broker_request&, int16_t error) {
  return refused_with<kafka::unregister_broker_response>(error);
}

kafka::describe_quorum_response refused(
  const kafka::describe_quorum_request&, int16_t error) {
  return refused_with<kafka::describe_quorum_response>(error);
}

kafka::add_raft_voter_response refused(
  const kafka::add_raft_voter_request&, int16_t error) {
  return refused_with<kafka::add_raft_voter_response>(error);
}

kafka::remove_raft_voter_response refused(
  const kafka::remove_raft_voter_request&, int16_t error) {
  return refused_with<kafka::remove_raft_voter_response>(error);
}

kafka::alter_client_quotas_response refused(
  const kafka::alter_client_quotas_request& request, int16_t error) {
  kafka::alter_client_quotas_response response;
  for (const auto& wanted : request.entries) {
    auto& answer = response.entries.emplace_back();
    answer.error_code = error;
    answer.error_message = no_controller;
    for (const auto& [type, name] : wanted.entity)
      answer.entity.push_back({type, name});
  }
  return response;
}

template <class Request, class Response>
result<void> forward(gateway_core& hub, kafka_request& request) {
  Request body;
  MILLRACE_TRY(read_body(request, body));
  const auto slot = request.slot;
  auto sink = std::make_shared<gather_sink<admin_answer>>(
    [&hub, slot, body](uint32_t, admin_answer* answer) {
      if (answer != nullptr) {
        if (auto* response = std::get_if<Response>(&answer->reply)) {
          reply(hub, slot, *response);
          return;
        }
        if (const auto* error = std::get_if<kafka_error>(&answer->reply)) {
          reply(hub, slot, refused(body, code(*error)));
          return;
        }
      }
      // The controller restarts: clients connect again and retry.
      hub.close(slot, "the controller is not there");
    },
    [] {});
  sink->expect();
  hub.ask_admin(sink, 0, slot.version, std::move(body), client_of(request));
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

result<void> handle_alter_client_quotas(
  gateway_core& hub, kafka_request& request) {
  return forward<kafka::alter_client_quotas_request,
    kafka::alter_client_quotas_response>(hub, request);
}

result<void> handle_describe_client_quotas(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_client_quotas_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot, answer_describe_client_quotas(body, hub.image()));
  return {};
}

result<void> handle_elect_leaders(gateway_core& hub, kafka_request& request) {
  return forward<kafka::elect_leaders_request, kafka::elect_leaders_response>(
    hub, request);
}

result<void> handle_alter_partition_reassignments(
  gateway_core& hub, kafka_request& request) {
  return forward<kafka::alter_partition_reassignments_request,
    kafka::alter_partition_reassignments_response>(hub, request);
}

result<void> handle_unregister_broker(
  gateway_core& hub, kafka_request& request) {
  return forward<kafka::unregister_broker_request,
    kafka::unregister_broker_response>(hub, request);
}

result<void> handle_list_partition_reassignments(
  gateway_core& hub, kafka_request& request) {
  kafka::list_partition_reassignments_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot, answer_list_reassignments(body, hub.image()));
  return {};
}

result<void> handle_describe_quorum(gateway_core& hub, kafka_request& request) {
  return forward<kafka::describe_quorum_request,
    kafka::describe_quorum_response>(hub, request);
}

result<void> handle_add_raft_voter(gateway_core& hub, kafka_request& request) {
  return forward<kafka::add_raft_voter_request, kafka::add_raft_voter_response>(
    hub, request);
}

result<void> handle_remove_raft_voter(
  gateway_core& hub, kafka_request& request) {
  return forward<kafka::remove_raft_voter_request,
    kafka::remove_raft_voter_response>(hub, request);
}

} // namespace millrace
