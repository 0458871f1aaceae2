#include "actors/custom_reader.hpp"

#include "schema/kafka_error.hpp"
#include "storage/record_reader.hpp"

namespace millrace {

namespace {

using kafka::api_key;

constexpr int64_t answer_wait_ms = 5000;
constexpr int64_t fetch_wait_ms = 500; ///< of a leader that has nothing more
constexpr int32_t fetch_bytes = 1 << 20;
/// Before a leader is asked again that has refused, or is not known.
constexpr int64_t pause_ms = 100;
/// Between two looks whether a full actor has room again.
constexpr int64_t room_pause_ms = 20;
/// Topics grow.
constexpr int64_t look_again_ms = 5000;

/// The last version of Fetch that only leaders answer (KIP-392).
constexpr int16_t leaders_fetch = 10;

// The special timestamps of ListOffsets.
constexpr int64_t latest = -1;
constexpr int64_t earliest = -2;

std::optional<std::string> copy_of(
  const std::optional<std::string_view>& bytes) {
  return bytes ? std::optional<std::string>{*bytes} : std::nullopt;
}

} // namespace

void custom_reader::add(const std::string& topic, read_from where) {
  if (topics_.try_emplace(topic, reading{where, {}}).second)
    look_for_partitions(topic);
}

void custom_reader::look_for_partitions(const std::string& topic) {
  kafka::metadata_request request;
  request.topics->emplace_back().name = topic;
  client_.ask<kafka::metadata_response>({}, 0, api_key::metadata, 12, request,
    answer_wait_ms, [this, topic](const kafka::metadata_response* response) {
      take(topic, response);
    });
}

void custom_reader::take(
  const std::string& topic, const kafka::metadata_response* response) {
  auto& known = topics_.at(topic);
  const bool is_there = response != nullptr && !response->topics.empty()
                        && response->topics.front().error_code == 0;
  if (is_there) {
    const bool first = known.sources.empty();
    for (const auto& p : response->topics.front().partitions) {
      const auto index = p.partition_index;
      if (index % options_.instances != options_.instance
          || known.sources.contains(index))
        continue;
      auto& fresh = known.sources[index];
      fresh.topic = topic;
      fresh.partition = index;
      // What is added while somebody reads is read from its beginning.
      begin(fresh, first ? known.where : read_from::earliest);
    }
  }
  client_.after(is_there ? look_again_ms : 2 * pause_ms, [this, topic] {
    look_for_partitions(topic);
  });
}

void custom_reader::begin(source& from, read_from where) {
  if (const auto known = options_.position(from.topic, from.partition)) {
    from.next = *known;
    fetch(from);
    return;
  }
  find_offset(from, where == read_from::latest ? latest : earliest,
    [this, &from](int64_t found) {
      // Durable before anything is read: the next life begins here, too.
      step(from, {}, found);
      fetch(from);
    });
}

void custom_reader::find_offset(
  source& of, int64_t timestamp, std::function<void(int64_t)> done) {
  kafka::list_offsets_request request;
  request.replica_id = -1;
  auto& topic = request.topics.emplace_back();
  topic.name = of.topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = of.partition;
  partition.timestamp = timestamp;
  client_.ask<kafka::list_offsets_response>(of.topic, of.partition,
    api_key::list_offsets, 7, request, answer_wait_ms,
    [this, &of, timestamp, done = std::move(done)](
      const kafka::list_offsets_response* response) {
      if (response != nullptr && !response->topics.empty()
          && !response->topics.front().partitions.empty()) {
        const auto& p = response->topics.front().partitions.front();
        if (p.error_code == 0 && p.offset >= 0) {
          done(p.offset);
          return;
        }
      }
      client_.after(pause_ms, [this, &of, timestamp, done] {
        find_offset(of, timestamp, done);
      });
    });
}

void custom_reader::again(source& from, int64_t ms) {
  client_.after(ms, [this, &from] {
    fetch(from);
  });
}

void custom_reader::fetch(source& from) {
  if (!options_.has_room()) {
    again(from, room_pause_ms);
    return;
  }
  kafka::fetch_request request;
  request.max_wait_ms = fetch_wait_ms;
  request.min_bytes = 1;
  request.max_bytes = fetch_bytes;
  auto& topic = request.topics.emplace_back();
  topic.topic = from.topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition = from.partition;
  partition.fetch_offset = from.next;
  partition.partition_max_bytes = fetch_bytes;
  client_.ask<kafka::fetch_response>(from.topic, from.partition, api_key::fetch,
    leaders_fetch, request, fetch_wait_ms + answer_wait_ms,
    [this, &from](const kafka::fetch_response* response) {
      take(from, response);
    });
}

void custom_reader::take(source& from, const kafka::fetch_response* response) {
  if (response == nullptr || response->responses.empty()
      || response->responses.front().partitions.empty()) {
    again(from, pause_ms);
    return;
  }
  const auto& p = response->responses.front().partitions.front();
  const auto code = static_cast<kafka_error>(p.error_code);
  if (code == kafka_error::offset_out_of_range) {
    find_again(from);
    return;
  }
  if (code != kafka_error::none) {
    again(from, pause_ms);
    return;
  }
  std::vector<topic_record> records;
  auto next = for_each_record(
    p.records.bytes.span(), offset{from.next}, [&](const record_view& record) {
      if (record.at.value >= from.next)
        records.push_back({from.topic, from.partition, record.at.value,
          record.timestamp_ms, copy_of(record.key), copy_of(record.value)});
    });
  if (!next) {
    options_.complain("what came cannot be read: " + to_string(next.error()));
    again(from, look_again_ms);
    return;
  }
  if (next->value > from.next)
    step(from, std::move(records), next->value);
  fetch(from);
}

/// The log begins later than the actor has read, or the leader does not know
/// yet how far it goes.
void custom_reader::find_again(source& from) {
  find_offset(from, earliest, [this, &from](int64_t begin) {
    if (begin > from.next) {
      options_.complain("records " + std::to_string(from.next) + " to "
                        + std::to_string(begin - 1) + " of " + from.topic + "-"
                        + std::to_string(from.partition)
                        + " were deleted before they were read");
      step(from, {}, begin);
    }
    again(from, pause_ms);
  });
}

void custom_reader::step(
  source& from, std::vector<topic_record> records, int64_t next) {
  from.next = next;
  options_.deliver({from.topic, from.partition, std::move(records), next});
}

} // namespace millrace
