#include "tests/preload/requests.hpp"

#include "schema/assert.hpp"

namespace millrace::preload {

namespace {

constexpr int32_t timeout_ms = 30'000;

/// The only one of what an answer has.
template <class List>
const auto& only(const List& list) {
  MILLRACE_ASSERT(list.size() == 1, "one was asked for, one is answered");
  return list.front();
}

} // namespace

kafka::produce_request produce_to(
  const topic_partition& at, int16_t acks, shared_bytes batch) {
  kafka::produce_request request;
  request.acks = acks;
  request.timeout_ms = timeout_ms;
  auto& topic = request.topic_data.emplace_back();
  topic.name = at.topic;
  auto& partition = topic.partition_data.emplace_back();
  partition.index = at.partition;
  partition.records.bytes = std::move(batch);
  return request;
}

kafka::offset_commit_request commit_for(
  const std::string& group, const topic_partition& at, int64_t value) {
  kafka::offset_commit_request request;
  request.group_id = group;
  auto& topic = request.topics.emplace_back();
  topic.name = at.topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = at.partition;
  partition.committed_offset = value;
  return request;
}

kafka::create_topics_request create_of(
  const std::string& topic, int32_t partitions) {
  kafka::create_topics_request request;
  request.timeout_ms = timeout_ms;
  auto& t = request.topics.emplace_back();
  t.name = topic;
  t.num_partitions = partitions;
  t.replication_factor = 1;
  // Five entries of the time index, one for every few hundred bytes.
  t.configs.push_back({"segment.index.bytes", "60"});
  t.configs.push_back({"index.interval.bytes", "400"});
  t.configs.push_back({"file.delete.delay.ms", "1"});
  return request;
}

kafka::delete_topics_request delete_of(const std::string& topic) {
  kafka::delete_topics_request request;
  request.timeout_ms = timeout_ms;
  request.topic_names.push_back(topic);
  return request;
}

kafka::delete_records_request trim_of(
  const topic_partition& at, int64_t before) {
  kafka::delete_records_request request;
  request.timeout_ms = timeout_ms;
  request.topics.push_back({at.topic, {{at.partition, before}}});
  return request;
}

kafka::init_producer_id_request producer_id_request() {
  kafka::init_producer_id_request request;
  request.transactional_id.reset();
  return request;
}

const kafka::produce_response::partition_produce_response& answer_of(
  const kafka::produce_response& response) {
  return only(only(response.responses).partition_responses);
}

int16_t code_of(const kafka::offset_commit_response& response) {
  return only(only(response.topics).partitions).error_code;
}

int16_t code_of(const kafka::create_topics_response& response) {
  return only(response.topics).error_code;
}

int16_t code_of(const kafka::delete_topics_response& response) {
  return only(response.responses).error_code;
}

int16_t code_of(const kafka::delete_records_response& response) {
  return only(only(response.topics).partitions).error_code;
}

} // namespace millrace::preload
