#include "simulation/fixture_client.hpp"

#include "schema/kafka/fetch.hpp"
#include "schema/kafka/init_producer_id.hpp"
#include "schema/kafka/list_offsets.hpp"
#include "schema/kafka/produce.hpp"
#include "schema/kafka_error.hpp"
#include "storage/record_builder.hpp"
#include "storage/record_reader.hpp"

namespace millrace::testing {

namespace {

using kafka::api_key;

constexpr sim_time request_timeout = 6 * sim_second;

bool is_error(int16_t code, kafka_error error) {
  return code == static_cast<int16_t>(error);
}

std::optional<std::string_view> view_of(
  const std::optional<std::string>& bytes) {
  return bytes ? std::optional<std::string_view>{*bytes} : std::nullopt;
}

std::optional<std::string> copy_of(
  const std::optional<std::string_view>& bytes) {
  return bytes ? std::optional<std::string>{*bytes} : std::nullopt;
}

} // namespace

fixture_client::fixture_client(sim_cluster& cluster, wait_function wait)
    : cluster_(cluster), wait_(std::move(wait)) {
  for (int32_t i = 0; i < cluster.size(); ++i) {
    links_.push_back(
      std::make_unique<sim_link>(cluster.world(), cluster.node(i)));
    connections_.push_back(std::make_unique<sim_client>(
      cluster.world(), *links_.back(), request_timeout));
  }
}

int32_t fixture_client::next_node() {
  for (int32_t i = 0; i < cluster_.size(); ++i) {
    turn_ = (turn_ + 1) % cluster_.size();
    if (cluster_.node(turn_).running() && !cluster_.node(turn_).paused())
      break;
  }
  return turn_;
}

template <class Response, class Request>
std::optional<Response> fixture_client::ask(int32_t node, api_key key,
  int16_t version, const Request& body, const std::string& what) {
  // On the heap: the wait may throw before the answer comes.
  struct outcome {
    bool done = false;
    std::optional<Response> response;
  };
  auto o = std::make_shared<outcome>();
  connections_.at(static_cast<size_t>(node))
    ->template request<Response>(
      key, version, body, [o](const Response* response) {
        o->done = true;
        if (response != nullptr)
          o->response = *response;
      });
  wait_(
    [o] {
      return o->done;
    },
    what);
  return std::move(o->response);
}

void fixture_client::repeat(
  const std::function<bool()>& attempt, const std::string& what) {
  constexpr int attempts_max = 300;
  for (int i = 0; i < attempts_max; ++i) {
    if (attempt())
      return;
    cluster_.run_for(100 * sim_ms);
  }
  wait_(
    [] {
      return false;
    },
    what);
}

std::optional<std::vector<fixture_client::partition_view>>
fixture_client::partitions_of(const std::string& topic) {
  kafka::metadata_request request;
  request.topics->emplace_back().name = topic;
  request.allow_auto_topic_creation = false;
  const auto response = ask<kafka::metadata_response>(
    next_node(), api_key::metadata, 12, request, "where " + topic + " is");
  if (!response || response->topics.empty())
    return std::nullopt;
  const auto& found = response->topics.front();
  if (is_error(found.error_code, kafka_error::unknown_topic_or_partition))
    return std::vector<partition_view>{};
  if (found.error_code != 0)
    return std::nullopt;
  std::vector<partition_view> all;
  for (const auto& p : found.partitions)
    all.push_back({p.partition_index, p.leader_id - 1});
  return all;
}

void fixture_client::create_topic(const std::string& name, int32_t partitions) {
  kafka::create_topics_request request;
  request.timeout_ms = 5000;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = -1;
  repeat(
    [&] {
      const auto response = ask<kafka::create_topics_response>(next_node(),
        api_key::create_topics, 7, request, "that " + name + " is made");
      if (!response || response->topics.empty())
        return false;
      const auto code = response->topics.front().error_code;
      return code == 0 || is_error(code, kafka_error::topic_already_exists);
    },
    "that the topic " + name + " is made");
}

void fixture_client::produce(const std::string& topic, int32_t partition,
  const std::optional<std::string>& key,
  const std::optional<std::string>& value) {
  const auto what = "that a record for " + topic + " is acknowledged";
  // Idempotent, so that what was repeated is there once.
  kafka::init_producer_id_request who;
  who.transactional_id.reset();
  std::optional<kafka::init_producer_id_response> producer;
  repeat(
    [&] {
      producer = ask<kafka::init_producer_id_response>(
        next_node(), api_key::init_producer_id, 4, who, what);
      return producer && producer->error_code == 0;
    },
    what);
  record_builder builder;
  builder.set_producer(
    producer_id{producer->producer_id}, producer->producer_epoch, 0);
  builder.add(
    {.timestamp_ms = 1'700'000'000'000 + cluster_.world().now() / sim_ms,
      .key = view_of(key),
      .value = view_of(value)});
  auto batch = builder.finish();
  MILLRACE_ASSERT(batch.ok(), "records without a codec make a batch");
  kafka::produce_request request;
  request.acks = -1;
  request.timeout_ms = 5000;
  auto& to = request.topic_data.emplace_back();
  to.name = topic;
  auto& data = to.partition_data.emplace_back();
  data.index = partition;
  data.records.bytes = std::move(*batch);
  repeat(
    [&] {
      const auto all = partitions_of(topic);
      if (!all)
        return false;
      for (const auto& p : *all) {
        if (p.partition != partition || p.leader < 0)
          continue;
        const auto response = ask<kafka::produce_response>(
          p.leader, api_key::produce, 9, request, what);
        return response
               && response->responses.front()
                      .partition_responses.front()
                      .error_code
                    == 0;
      }
      if (all->empty())
        create_topic(topic, 1);
      return false;
    },
    what);
}

std::optional<int64_t> fixture_client::first_offset(
  const std::string& topic, const partition_view& from) {
  constexpr int64_t earliest = -2;
  kafka::list_offsets_request request;
  auto& t = request.topics.emplace_back();
  t.name = topic;
  auto& p = t.partitions.emplace_back();
  p.partition_index = from.partition;
  p.timestamp = earliest;
  const auto response = ask<kafka::list_offsets_response>(from.leader,
    api_key::list_offsets, 4, request, "where " + topic + " begins");
  if (!response || response->topics.empty()
      || response->topics.front().partitions.empty()
      || response->topics.front().partitions.front().error_code != 0)
    return std::nullopt;
  return response->topics.front().partitions.front().offset;
}

bool fixture_client::consume(const std::string& topic,
  const partition_view& from, std::vector<topic_record>& to) {
  if (from.leader < 0)
    return false;
  std::vector<topic_record> found;
  int64_t next = 0;
  for (;;) {
    kafka::fetch_request request;
    request.max_wait_ms = 0;
    request.min_bytes = 0;
    auto& t = request.topics.emplace_back();
    t.topic = topic;
    auto& p = t.partitions.emplace_back();
    p.partition = from.partition;
    p.fetch_offset = next;
    p.partition_max_bytes = 1 << 20;
    // The last version that only leaders answer: followers may be behind.
    const auto response = ask<kafka::fetch_response>(
      from.leader, api_key::fetch, 10, request, "what " + topic + " has");
    if (!response || response->responses.empty()
        || response->responses.front().partitions.empty())
      return false;
    const auto& data = response->responses.front().partitions.front();
    if (is_error(data.error_code, kafka_error::offset_out_of_range)) {
      const auto begin = first_offset(topic, from);
      if (!begin || *begin <= next)
        return false;
      next = *begin;
      continue;
    }
    if (data.error_code != 0)
      return false;
    const auto end = for_each_record(
      data.records.bytes.span(), offset{next}, [&](const record_view& record) {
        if (record.at.value >= next)
          found.push_back({topic, from.partition, record.at.value,
            record.timestamp_ms, copy_of(record.key), copy_of(record.value)});
      });
    if (!end)
      return false;
    if (end->value == next && next < data.high_watermark)
      return false; // not in memory just now
    next = end->value;
    if (next >= data.high_watermark)
      break;
  }
  to.insert(to.end(), found.begin(), found.end());
  return true;
}

std::vector<topic_record> fixture_client::consume(const std::string& topic) {
  std::vector<topic_record> records;
  repeat(
    [&] {
      records.clear();
      const auto all = partitions_of(topic);
      if (!all)
        return false;
      for (const auto& p : *all)
        if (!consume(topic, p, records))
          return false;
      return true;
    },
    "what is committed of " + topic);
  return records;
}

} // namespace millrace::testing
