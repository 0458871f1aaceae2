#include "actors/kafka/sinks.hpp"
#include "schema/kafka/write_txn_markers.hpp"
#include "storage/control_batch.hpp"

namespace millrace {

namespace {

using write_request = kafka::write_txn_markers_request;
using write_response = kafka::write_txn_markers_response;

/// Everybody's answer is that nobody leads it, until somebody has said more.
/// Of a marker or a topic without a partition nothing is said.
write_response empty_answer(const write_request& body) {
  write_response response;
  for (const auto& marker : body.markers) {
    write_response::marker_result out;
    out.producer_id = marker.producer_id;
    for (const auto& topic : marker.topics) {
      if (topic.partition_indexes.empty())
        continue;
      auto& partitions = out.topics.emplace_back();
      partitions.name = topic.name;
      for (const auto index : topic.partition_indexes)
        partitions.partitions.push_back(
          {index, code(kafka_error::not_leader_or_follower)});
    }
    if (!out.topics.empty())
      response.markers.push_back(std::move(out));
  }
  return response;
}

} // namespace

/// How an operator ends a transaction that hangs (KIP-664); the nodes have a
/// message of their own (schema/transaction.capnp).
result<void> handle_write_txn_markers(
  gateway_core& hub, kafka_request& request) {
  write_request body;
  MILLRACE_TRY(read_body(request, body));
  auto response = std::make_shared<write_response>(empty_answer(body));
  auto outs
    = std::make_shared<std::vector<write_response::partition_result*>>();
  for (auto& marker : response->markers)
    for (auto& topic : marker.topics)
      for (auto& partition : topic.partitions)
        outs->push_back(&partition);
  auto sink = std::make_shared<gather_sink<produce_result>>(
    [response, outs](uint32_t part, produce_result* result) {
      if (result != nullptr)
        (*outs)[part]->error_code = code(result->error);
    },
    [&hub, slot = request.slot, response] {
      reply(hub, slot, *response);
    });
  uint32_t part = 0;
  for (const auto& marker : body.markers)
    for (const auto& topic : marker.topics)
      for (const auto index : topic.partition_indexes) {
        const auto at = part++;
        const auto target = marker_writer(hub, {topic.name, index});
        if (target.error != kafka_error::unknown_topic_or_partition
            && (marker.producer_id < 0 || marker.producer_epoch < 0)) {
          (*outs)[at]->error_code = code(kafka_error::invalid_request);
          continue;
        }
        if (target.error != kafka_error::none) {
          (*outs)[at]->error_code = code(target.error);
          continue;
        }
        sink->expect();
        hub.ask_produce(target.partition, sink, at,
          {.batch = make_control_batch(
             {producer_id{marker.producer_id}, marker.producer_epoch,
               marker.transaction_result, marker.coordinator_epoch},
             hub.env().wall_clock_ms()),
            .origin = append_origin::coordinator,
            .transaction_version = marker.transaction_version});
      }
  sink->asked_all();
  return {};
}

} // namespace millrace
