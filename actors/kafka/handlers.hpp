#pragma once

// One handler for each API of the Kafka protocol, and the list of them. A
// handler decodes, checks, and either answers on the spot or asks actors and
// leaves an answer_sink behind that answers later.

#include "actors/gateway_core.hpp"
#include "net/endpoint.hpp"
#include "schema/kafka/header.hpp"
#include "schema/kafka_wire.hpp"

namespace millrace {

/// A request whose header may not have been read yet.
struct kafka_request {
  reply_slot slot;
  kafka_reader reader;
  const endpoint* local = nullptr;
  const endpoint* remote = nullptr;
  kafka::request_header header;
};

/// Reads the header and starts the handler of its API. An unknown API, and a
/// body that cannot be read, is an error: the connection is closed, as
/// Kafka does. A known API in an unknown version is answered.
[[nodiscard]] result<void> handle_request(
  gateway_core& hub, kafka_request& request);

/// Encodes header and body and ends the request.
template <class Response>
void send_reply(
  gateway_core& hub, const reply_slot& slot, const Response& body) {
  kafka_writer writer;
  writer.begin_frame();
  kafka::encode_response_header(
    writer, slot.api_key, slot.version, slot.correlation_id);
  encode(writer, slot.version, body); // found beside the message
  hub.finish(slot, writer.finish_frame());
}

/// The same, with what the client's quotas have to say. A client that is to
/// wait is told so at once, and not read for so long (KIP-219).
template <class Response>
void reply(gateway_core& hub, const reply_slot& slot, const Response& body) {
  if constexpr (requires { body.throttle_time_ms; })
    if (hub.has_quotas()) [[unlikely]] {
      const auto wait_ms
        = std::max(body.throttle_time_ms, hub.charge_work(slot));
      hub.mute(slot, wait_ms);
      if (wait_ms != body.throttle_time_ms) {
        auto told = body;
        told.throttle_time_ms = wait_ms;
        send_reply(hub, slot, told);
        return;
      }
    }
  send_reply(hub, slot, body);
}

/// By whom a request is held to quotas. Nobody proves to be anyone yet.
[[nodiscard]] inline quota_client client_of(const kafka_request& request) {
  return {anonymous_user, request.header.client_id.value_or("")};
}

/// Reads the body; an error closes the connection.
template <class Request>
[[nodiscard]] result<void> read_body(kafka_request& request, Request& out) {
  return decode(request.reader, request.header.api_version, out);
}

using request_handler = result<void> (*)(gateway_core&, kafka_request&);

result<void> handle_api_versions(gateway_core& hub, kafka_request& request);
result<void> handle_describe_client_quotas(
  gateway_core& hub, kafka_request& request);
result<void> handle_alter_client_quotas(
  gateway_core& hub, kafka_request& request);
result<void> handle_metadata(gateway_core& hub, kafka_request& request);
result<void> handle_produce(gateway_core& hub, kafka_request& request);
result<void> handle_fetch(gateway_core& hub, kafka_request& request);
result<void> handle_list_offsets(gateway_core& hub, kafka_request& request);
result<void> handle_offset_for_leader_epoch(
  gateway_core& hub, kafka_request& request);
result<void> handle_delete_records(gateway_core& hub, kafka_request& request);
result<void> handle_describe_producers(
  gateway_core& hub, kafka_request& request);
result<void> handle_alter_replica_log_dirs(
  gateway_core& hub, kafka_request& request);
result<void> handle_describe_log_dirs(
  gateway_core& hub, kafka_request& request);
result<void> handle_create_topics(gateway_core& hub, kafka_request& request);
result<void> handle_delete_topics(gateway_core& hub, kafka_request& request);
result<void> handle_create_partitions(
  gateway_core& hub, kafka_request& request);
result<void> handle_alter_configs(gateway_core& hub, kafka_request& request);
result<void> handle_incremental_alter_configs(
  gateway_core& hub, kafka_request& request);
result<void> handle_describe_configs(gateway_core& hub, kafka_request& request);
result<void> handle_list_config_resources(
  gateway_core& hub, kafka_request& request);
result<void> handle_describe_cluster(gateway_core& hub, kafka_request& request);
result<void> handle_describe_topic_partitions(
  gateway_core& hub, kafka_request& request);
result<void> handle_init_producer_id(gateway_core& hub, kafka_request& request);
result<void> handle_add_partitions_to_txn(
  gateway_core& hub, kafka_request& request);
result<void> handle_add_offsets_to_txn(
  gateway_core& hub, kafka_request& request);
result<void> handle_end_txn(gateway_core& hub, kafka_request& request);
result<void> handle_write_txn_markers(
  gateway_core& hub, kafka_request& request);
result<void> handle_describe_transactions(
  gateway_core& hub, kafka_request& request);
result<void> handle_list_transactions(
  gateway_core& hub, kafka_request& request);
result<void> handle_elect_leaders(gateway_core& hub, kafka_request& request);
result<void> handle_alter_partition_reassignments(
  gateway_core& hub, kafka_request& request);
result<void> handle_list_partition_reassignments(
  gateway_core& hub, kafka_request& request);
result<void> handle_unregister_broker(
  gateway_core& hub, kafka_request& request);
result<void> handle_describe_quorum(gateway_core& hub, kafka_request& request);
result<void> handle_add_raft_voter(gateway_core& hub, kafka_request& request);
result<void> handle_remove_raft_voter(
  gateway_core& hub, kafka_request& request);
result<void> handle_find_coordinator(gateway_core& hub, kafka_request& request);
result<void> handle_join_group(gateway_core& hub, kafka_request& request);
result<void> handle_sync_group(gateway_core& hub, kafka_request& request);
result<void> handle_heartbeat(gateway_core& hub, kafka_request& request);
result<void> handle_leave_group(gateway_core& hub, kafka_request& request);
result<void> handle_offset_commit(gateway_core& hub, kafka_request& request);
result<void> handle_offset_fetch(gateway_core& hub, kafka_request& request);
result<void> handle_offset_delete(gateway_core& hub, kafka_request& request);
result<void> handle_txn_offset_commit(
  gateway_core& hub, kafka_request& request);
result<void> handle_describe_groups(gateway_core& hub, kafka_request& request);
result<void> handle_list_groups(gateway_core& hub, kafka_request& request);
result<void> handle_delete_groups(gateway_core& hub, kafka_request& request);
result<void> handle_consumer_group_heartbeat(
  gateway_core& hub, kafka_request& request);
result<void> handle_consumer_group_describe(
  gateway_core& hub, kafka_request& request);
result<void> handle_get_telemetry_subscriptions(
  gateway_core& hub, kafka_request& request);
result<void> handle_push_telemetry(gateway_core& hub, kafka_request& request);
result<void> handle_explain_group(gateway_core& hub, kafka_request& request);
result<void> handle_share_group_heartbeat(
  gateway_core& hub, kafka_request& request);
result<void> handle_share_group_describe(
  gateway_core& hub, kafka_request& request);
result<void> handle_describe_share_group_offsets(
  gateway_core& hub, kafka_request& request);
result<void> handle_alter_share_group_offsets(
  gateway_core& hub, kafka_request& request);
result<void> handle_delete_share_group_offsets(
  gateway_core& hub, kafka_request& request);
result<void> handle_initialize_share_group_state(
  gateway_core& hub, kafka_request& request);
result<void> handle_read_share_group_state(
  gateway_core& hub, kafka_request& request);
result<void> handle_write_share_group_state(
  gateway_core& hub, kafka_request& request);
result<void> handle_delete_share_group_state(
  gateway_core& hub, kafka_request& request);
result<void> handle_read_share_group_state_summary(
  gateway_core& hub, kafka_request& request);
result<void> handle_describe_acls(gateway_core& hub, kafka_request& request);
result<void> handle_create_acls(gateway_core& hub, kafka_request& request);
result<void> handle_delete_acls(gateway_core& hub, kafka_request& request);
result<void> handle_describe_user_scram_credentials(
  gateway_core& hub, kafka_request& request);
result<void> handle_alter_user_scram_credentials(
  gateway_core& hub, kafka_request& request);
result<void> handle_update_features(gateway_core& hub, kafka_request& request);
result<void> handle_share_fetch(gateway_core& hub, kafka_request& request);
result<void> handle_share_acknowledge(
  gateway_core& hub, kafka_request& request);

} // namespace millrace
