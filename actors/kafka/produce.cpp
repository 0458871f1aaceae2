#include "schema/kafka/produce.hpp"

#include "actors/kafka/sinks.hpp"
#include "schema/big_endian.hpp"
#include "storage/record_batch.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace millrace {

namespace {

using response_part = kafka::produce_response::partition_produce_response;

/// Whether Kafka says of the log where it begins; with these it does not.
bool tells_log_start(kafka_error error) {
  switch (error) {
  case kafka_error::unknown_topic_or_partition:
  case kafka_error::unknown_topic_id:
  case kafka_error::not_leader_or_follower:
  case kafka_error::message_too_large:
  case kafka_error::record_list_too_large:
  case kafka_error::corrupt_message:
  case kafka_error::kafka_storage_error:
    return false;
  default:
    return true;
  }
}

/// A produce whose batches are with their partitions.
class pending_produce : public answer_sink {
public:
  pending_produce(gateway_core& hub, const reply_slot& slot, int16_t acks)
      : hub_(hub), slot_(slot), acks_(acks) {}

  kafka::produce_response response;
  /// One for each part, inside `response`, which must not grow any more.
  std::vector<response_part*> parts;

  void expect() {
    ++left_;
  }
  void asked_all() {
    asked_ = true;
    if (left_ == 0)
      end();
  }

  void take(uint32_t part, produce_result& r) override {
    auto& p = *parts[part];
    p.error_code = code(r.error);
    p.base_offset = r.base_offset.value;
    p.log_append_time_ms = r.log_append_time_ms;
    if (tells_log_start(r.error))
      p.log_start_offset = r.log_start.value;
    if (!r.message.empty())
      p.error_message = std::move(r.message);
    for (auto& e : r.record_errors)
      p.record_errors.push_back({e.batch_index, std::move(e.message)});
    if (r.error != kafka_error::none)
      failed_ = true;
    one_less();
  }

  void on_lost(uint32_t part) override {
    fail(part, kafka_error::not_leader_or_follower, "the leader restarts");
    one_less();
  }

  void fail(uint32_t part, kafka_error error, std::string why) {
    auto& p = *parts[part];
    p.error_code = code(error);
    p.base_offset = -1;
    p.error_message = std::move(why);
    failed_ = true;
  }

private:
  void one_less() {
    if (--left_ == 0 && asked_)
      end();
  }

  void end() {
    if (failed_)
      hub_.counters().failed_produce.add();
    if (failed_ && acks_ != 0)
      tell_leaders();
    if (acks_ != 0 && hub_.has_quotas())
      response.throttle_time_ms = hub_.charge_produce(slot_);
    if (acks_ != 0)
      reply(hub_, slot_, response);
    else if (failed_)
      hub_.close(slot_, "a produce with acks=0 failed");
  }

  void tell_leaders() {
    leader_hints hints{hub_, slot_, response};
    for (auto& topic : response.responses)
      for (auto& p : topic.partition_responses)
        if (p.error_code == code(kafka_error::not_leader_or_follower))
          hints.add(slot_.version >= 13
                      ? hub_.image().find_topic(topic.topic_id)
                      : hub_.image().find_topic(topic.name),
            p.index, p);
  }

  gateway_core& hub_;
  reply_slot slot_;
  int16_t acks_;
  size_t left_ = 0;
  bool asked_ = false;
  bool failed_ = false;
};

/// The codec in the attributes of a batch, which stand in bytes 21 and 22.
bool is_zstd(const kafka::records& records) {
  constexpr size_t at = 22;
  constexpr int codec_mask = 7;
  constexpr int zstd = 4;
  return records.bytes.size() > at
         && (std::to_integer<int>(records.bytes.data()[at]) & codec_mask)
              == zstd;
}

/// Why a partition's batch is not even sent to its leader.
struct refusal {
  kafka_error error = kafka_error::none;
  const char* why = "";
};

constexpr size_t batch_size_at = 8;
constexpr size_t batch_size_end = batch_size_at + sizeof(int32_t);
constexpr size_t batch_magic_at = 16;

int32_t size_of_batch(const std::byte* batch) {
  int32_t size = 0;
  std::memcpy(&size, batch + batch_size_at, sizeof(size));
  return big_endian(size);
}

/// Whether all bytes of the first batch are there.
bool is_whole(const shared_bytes& bytes) {
  return bytes.size() > batch_magic_at
         && static_cast<size_t>(size_of_batch(bytes.data()))
              <= bytes.size() - batch_size_end;
}

int magic_of(const shared_bytes& bytes) {
  return std::to_integer<int>(bytes.data()[batch_magic_at]);
}

/// Whether the first batch belongs to a transaction, as its header tells.
bool is_transactional(const shared_bytes& bytes) {
  return is_whole(bytes) && magic_of(bytes) == 2
         && bytes.size() >= batch_view::header_size
         && batch_view{bytes.span()}.is_transactional();
}

/// What no batch can begin with.
refusal refuse_beginning(const shared_bytes& bytes) {
  constexpr int32_t size_min = 14; // of a message in the oldest format
  if (bytes.size() < batch_size_end)
    return {};
  if (size_of_batch(bytes.data()) < size_min)
    return {kafka_error::corrupt_message,
      "the record batch is shorter than any can be"};
  if (bytes.size() > batch_magic_at && magic_of(bytes) > 2)
    return {kafka_error::corrupt_message, "there is no such format of records"};
  return {};
}

/// What makes the whole request a wrong one, found in the first partition
/// whose batch belongs to a transaction, or before it.
refusal refuse_all(const kafka::produce_request& body) {
  for (const auto& topic : body.topic_data)
    for (const auto& data : topic.partition_data) {
      const auto refused = refuse_beginning(data.records.bytes);
      if (refused.error != kafka_error::none)
        return refused;
      if (!is_transactional(data.records.bytes))
        continue;
      if (body.transactional_id)
        return {};
      return {kafka_error::transactional_id_authorization_failed,
        "a batch belongs to a transaction, and the request names none"};
    }
  return {};
}

/// What every version of Produce that is served asks for: one whole batch, in
/// a codec that the version knows. The leader looks at what is in it.
refusal refuse(const kafka::records& records, int16_t version) {
  constexpr int16_t first_version_with_zstd = 7; // KIP-110
  const auto& bytes = records.bytes;
  auto refused = refuse_beginning(bytes);
  if (refused.error != kafka_error::none)
    return refused;
  if (bytes.size() <= batch_magic_at)
    return {kafka_error::invalid_record,
      "a partition takes exactly one record batch in a request"};
  if (!is_whole(bytes))
    return {kafka_error::invalid_record,
      "the record batch says that it has more bytes than came"};
  if (magic_of(bytes) != 2)
    return {kafka_error::invalid_record,
      "record batches have format 2 since version 3 of Produce"};
  if (version < first_version_with_zstd && is_zstd(records))
    return {kafka_error::unsupported_compression_type,
      "zstd needs version 7 of Produce, which clients of Kafka 2.1 speak"};
  const auto end
    = batch_size_end + static_cast<size_t>(size_of_batch(bytes.data()));
  const auto rest = bytes.slice(end, bytes.size() - end);
  refused = refuse_beginning(rest);
  if (refused.error == kafka_error::none && is_whole(rest))
    return {kafka_error::invalid_record,
      "a partition takes exactly one record batch in a request"};
  return refused;
}

refusal refuse(const kafka::produce_request& body, int16_t version,
  const kafka::records& records, const located_partition& found) {
  if (found.error == kafka_error::unknown_topic_or_partition)
    return {found.error, "this server has no such topic or partition"};
  if (found.error == kafka_error::unknown_topic_id)
    return {found.error, "this server has no topic with this id"};
  const auto shape = refuse(records, version);
  if (shape.error != kafka_error::none)
    return shape;
  if (body.acks < -1 || body.acks > 1)
    return {kafka_error::invalid_required_acks,
      "acks is -1 (all), 0 or 1, nothing else"};
  if (is_internal_topic(found.topic->name))
    return {kafka_error::invalid_topic_exception,
      "internal topics are written by the server only"};
  if (found.error != kafka_error::none)
    return {found.error, "this partition is not led here"};
  return {};
}

/// Of a partition that is named more than once the last batch is taken, and
/// the others are not answered.
void drop_overtaken(kafka::produce_request& body) {
  const auto& topics = body.topic_data;
  if (topics.size() == 1 && topics.front().partition_data.size() == 1)
    return; // what a client that produces much sends, and often
  using key = std::tuple<uuid, std::string_view, int32_t>;
  std::vector<std::pair<key, size_t>> named;
  size_t part = 0;
  for (const auto& topic : body.topic_data)
    for (const auto& data : topic.partition_data)
      named.push_back({{topic.topic_id, topic.name, data.index}, part++});
  std::ranges::sort(named);
  std::vector<bool> overtaken(part);
  for (size_t i = 1; i < part; ++i)
    if (named[i].first == named[i - 1].first)
      overtaken[named[i - 1].second] = true;
  part = 0;
  for (auto& topic : body.topic_data)
    std::erase_if(topic.partition_data, [&](const auto&) {
      return overtaken[part++];
    });
}

} // namespace

result<void> handle_produce(gateway_core& hub, kafka_request& request) {
  kafka::produce_request body;
  MILLRACE_TRY(read_body(request, body));
  const auto version = request.header.api_version;
  drop_overtaken(body);
  auto pending
    = std::make_shared<pending_produce>(hub, request.slot, body.acks);
  auto& response = pending->response;
  response.responses.reserve(body.topic_data.size());
  for (const auto& topic : body.topic_data) {
    auto& out = response.responses.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    out.partition_responses.resize(topic.partition_data.size());
    for (size_t i = 0; i < topic.partition_data.size(); ++i) {
      out.partition_responses[i].index = topic.partition_data[i].index;
      pending->parts.push_back(&out.partition_responses[i]);
    }
  }
  const auto whole = refuse_all(body);
  uint32_t part = 0;
  for (auto& topic : body.topic_data) {
    for (auto& data : topic.partition_data) {
      const auto found = version >= 13 ? locate(hub, topic.topic_id, data.index)
                                       : locate(hub, topic.name, data.index);
      const auto refused = whole.error != kafka_error::none
                             ? whole
                             : refuse(body, version, data.records, found);
      if (refused.error != kafka_error::none) {
        pending->fail(part++, refused.error, refused.why);
        continue;
      }
      hub.counters().bytes_in.add(
        static_cast<int64_t>(data.records.bytes.size()));
      pending->expect();
      hub.ask_produce(found.partition, pending, part++,
        {.batch = std::move(data.records.bytes),
          .acks = body.acks,
          .timeout_ms = body.timeout_ms,
          .transactional_id = body.transactional_id.value_or(""),
          .support = produce_support(version)});
    }
  }
  if (body.acks == 0) {
    // No answer is sent, and none is waited for: the next request may start.
    if (hub.has_quotas())
      hub.mute(request.slot, hub.charge_produce(request.slot));
    hub.finish(request.slot, {});
  }
  pending->asked_all();
  return {};
}

} // namespace millrace
