#include "actors/custom_writer.hpp"

#include "storage/murmur2.hpp"
#include "storage/record_builder.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int64_t answer_wait_ms = 5000;
constexpr int64_t pause_ms = 100;
constexpr size_t batch_records_max = 1000;
constexpr size_t batch_bytes_max = 512 << 10;

size_t size_of(const waiting_write& record) {
  return record.key.value_or("").size() + record.value.value_or("").size();
}

/// Sequences go from 2^31 - 1 to 0 (R13).
int32_t sequence_after(int32_t sequence, size_t count) {
  return static_cast<int32_t>(
    (static_cast<uint32_t>(sequence) + count) & 0x7fffffffu);
}

/// Not the record's fault, and no one else's that will pass.
bool ends_producer(kafka_error code) {
  return code == kafka_error::invalid_producer_epoch
         || code == kafka_error::producer_fenced
         || code == kafka_error::out_of_order_sequence_number
         || code == kafka_error::unknown_producer_id;
}

std::optional<std::string_view> view_of(
  const std::optional<std::string>& bytes) {
  return bytes ? std::optional<std::string_view>{*bytes} : std::nullopt;
}

} // namespace

void custom_writer::write(uint64_t number, waiting_write record) {
  waiting_bytes_ += size_of(record);
  const auto [at, fresh] = targets_.try_emplace(record.topic);
  const auto topic = record.topic;
  place(at->second, {number, std::move(record)});
  if (fresh)
    look_for_partitions(topic);
}

void custom_writer::place(target& to, entry e) {
  if (to.partitions == 0) {
    to.unplaced.push_back(std::move(e));
    return;
  }
  auto index = e.record.partition;
  if (index < 0 && e.record.key)
    index = static_cast<int32_t>(
      (static_cast<uint32_t>(murmur2(*e.record.key)) & 0x7fffffffu)
      % static_cast<uint32_t>(to.partitions));
  else if (index < 0)
    index = to.next++ % to.partitions;
  auto& on = to.lanes[index];
  on.topic = e.record.topic;
  on.partition = index;
  on.waiting.push_back(std::move(e));
  if (on.sending == 0)
    send_next(on);
}

void custom_writer::look_for_partitions(const std::string& topic) {
  kafka::metadata_request request;
  request.topics->emplace_back().name = topic;
  client_.ask<kafka::metadata_response>({}, 0, api_key::metadata, 12, request,
    answer_wait_ms, [this, topic](const kafka::metadata_response* response) {
      take(topic, response);
    });
}

void custom_writer::take(
  const std::string& topic, const kafka::metadata_response* response) {
  auto& to = targets_.at(topic);
  const auto code
    = response == nullptr || response->topics.empty()
        ? kafka_error::network_exception
        : static_cast<kafka_error>(response->topics.front().error_code);
  if (code == kafka_error::none) {
    to.partitions
      = static_cast<int32_t>(response->topics.front().partitions.size());
    for (auto& e : std::exchange(to.unplaced, {}))
      place(to, std::move(e));
    return;
  }
  if (code == kafka_error::invalid_topic_exception) {
    options_.complain(
      "records for " + topic + " are dropped: " + to_string(code));
    for (const auto& e : std::exchange(to.unplaced, {})) {
      waiting_bytes_ -= size_of(e.record);
      options_.done(e.number);
    }
    targets_.erase(topic);
    return;
  }
  client_.after(2 * pause_ms, [this, topic] {
    look_for_partitions(topic);
  });
}

void custom_writer::send_next(lane& on) {
  if (on.waiting.empty())
    return;
  record_builder builder;
  builder.set_producer(producer_id{producer_.id}, producer_.epoch, on.sequence);
  const auto now = options_.wall_clock_ms();
  for (const auto& e : on.waiting) {
    const bool full
      = on.sending == batch_records_max
        || (on.sending > 0
            && builder.records_size() + size_of(e.record) > batch_bytes_max);
    if (full)
      break;
    builder.add({.timestamp_ms = now,
      .key = view_of(e.record.key),
      .value = view_of(e.record.value)});
    ++on.sending;
  }
  auto batch = builder.finish();
  MILLRACE_ASSERT(batch.ok(), "records without a codec make a batch");
  on.batch = std::move(*batch);
  send(on);
}

void custom_writer::send(lane& on) {
  kafka::produce_request request;
  request.acks = -1;
  request.timeout_ms = answer_wait_ms;
  auto& topic = request.topic_data.emplace_back();
  topic.name = on.topic;
  auto& data = topic.partition_data.emplace_back();
  data.index = on.partition;
  data.records.bytes = on.batch;
  client_.ask<kafka::produce_response>(on.topic, on.partition, api_key::produce,
    9, request, 2 * answer_wait_ms,
    [this, &on](const kafka::produce_response* response) {
      if (response == nullptr) {
        take(on, kafka_error::network_exception, {});
        return;
      }
      const auto& p = response->responses.front().partition_responses.front();
      take(on, static_cast<kafka_error>(p.error_code),
        p.error_message.value_or(""));
    });
}

void custom_writer::take(lane& on, kafka_error code, const std::string& why) {
  const auto name = on.topic + "-" + std::to_string(on.partition);
  if (ends_producer(code)) {
    options_.lost(name + ": " + to_string(code) + " " + why);
    return;
  }
  // Taken before, and so long ago that its answer is forgotten.
  if (code == kafka_error::duplicate_sequence_number)
    code = kafka_error::none;
  if (code == kafka_error::none) {
    on.sequence = sequence_after(on.sequence, on.sending);
  } else if (is_retriable(code)) {
    client_.after(pause_ms, [this, &on] {
      send(on);
    });
    return;
  } else {
    options_.complain(std::to_string(on.sending) + " records for " + name
                      + " are dropped: " + to_string(code) + " " + why);
  }
  end_batch(on);
}

void custom_writer::end_batch(lane& on) {
  std::vector<uint64_t> numbers;
  for (; on.sending > 0; --on.sending) {
    waiting_bytes_ -= size_of(on.waiting.front().record);
    numbers.push_back(on.waiting.front().number);
    on.waiting.pop_front();
  }
  send_next(on);
  for (const auto number : numbers)
    options_.done(number);
}

} // namespace millrace
