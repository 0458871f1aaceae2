#include "actors/kafka/sinks.hpp"
#include "schema/kafka/write_txn_markers.hpp"
#include "storage/control_batch.hpp"

#include <algorithm>
#include <array>

namespace millrace {

namespace {

using write_request = kafka::write_txn_markers_request;
using write_response = kafka::write_txn_markers_response;

/// The element of `list` that `is` says, or a new one.
template <class Element, class Is>
size_t find_or_add(std::vector<Element>& list, Is is) {
  const auto found = std::ranges::find_if(list, is);
  if (found != list.end())
    return static_cast<size_t>(found - list.begin());
  list.emplace_back();
  return list.size() - 1;
}

/// Where each partition that was asked for is in the answer, in order.
using answer_places = std::vector<std::array<size_t, 3>>;

/// Everybody's answer is that nobody leads it, until somebody has said more.
/// Of a marker or a topic without a partition nothing is said, and all markers
/// of one producer are answered as one.
write_response empty_answer(const write_request& body, answer_places& places) {
  write_response response;
  for (const auto& marker : body.markers)
    for (const auto& topic : marker.topics)
      for (const auto index : topic.partition_indexes) {
        const auto m = find_or_add(response.markers, [&](const auto& x) {
          return x.producer_id == marker.producer_id;
        });
        auto& out = response.markers[m];
        out.producer_id = marker.producer_id;
        const auto t = find_or_add(out.topics, [&](const auto& x) {
          return x.name == topic.name;
        });
        auto& topics = out.topics[t];
        topics.name = topic.name;
        const auto p = find_or_add(topics.partitions, [&](const auto& x) {
          return x.partition_index == index;
        });
        topics.partitions[p]
          = {index, code(kafka_error::not_leader_or_follower)};
        places.push_back({m, t, p});
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
  answer_places places;
  auto response = std::make_shared<write_response>(empty_answer(body, places));
  auto outs
    = std::make_shared<std::vector<write_response::partition_result*>>();
  for (const auto& [m, t, p] : places)
    outs->push_back(&response->markers[m].topics[t].partitions[p]);
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
