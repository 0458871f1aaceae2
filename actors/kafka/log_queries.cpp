// The APIs that ask partitions about their logs: ListOffsets,
// OffsetForLeaderEpoch, DeleteRecords, DescribeProducers, DescribeLogDirs.

#include "actors/kafka/sinks.hpp"
#include "cluster/config_topic.hpp"
#include "cluster/topic_rules.hpp"
#include "schema/kafka/delete_records.hpp"
#include "schema/kafka/describe_producers.hpp"
#include "schema/kafka/list_offsets.hpp"
#include "schema/kafka/offset_for_leader_epoch.hpp"

#include <array>
#include <set>

namespace millrace {

namespace {

using log_sink = gather_sink<log_answer>;

/// Who asks, where it is no replica.
constexpr int32_t consumer = -1;

kafka_error error_of(const log_answer* answer) {
  return answer != nullptr ? answer->error
                           : kafka_error::not_leader_or_follower;
}

/// The error, with a sentence where the API has one.
template <class Part>
void refuse(Part& part, kafka_error error) {
  part.error_code = code(error);
  if constexpr (requires { part.error_message; })
    if (error != kafka_error::none)
      part.error_message
        = std::string{"This server cannot answer for the partition: "}
          + to_string(error);
}

/// A response whose partitions are filled by one question each.
template <class Response, class Part>
struct log_round {
  struct entry {
    Part* out; ///< inside `response`, whose topics must not move any more
    located_partition found;
    log_question question;
  };
  Response response;
  std::vector<entry> entries;
};

/// Asks every question that can be asked, and replies when all are answered.
/// `fill` takes over an answer without error.
template <class Response, class Part>
void ask_all(gateway_core& hub, const reply_slot& slot,
  const std::shared_ptr<log_round<Response, Part>>& round,
  void (*fill)(Part& out, const log_answer& answer)) {
  auto sink = std::make_shared<log_sink>(
    [round, fill](uint32_t part, log_answer* answer) {
      auto& out = *round->entries[part].out;
      refuse(out, error_of(answer));
      if (answer != nullptr && answer->error == kafka_error::none)
        fill(out, *answer);
    },
    [&hub, slot, round] {
      reply(hub, slot, round->response);
    });
  for (uint32_t part = 0; part < round->entries.size(); ++part) {
    auto& entry = round->entries[part];
    if (entry.found.error != kafka_error::none) {
      refuse(*entry.out, entry.found.error);
      continue;
    }
    sink->expect();
    hub.ask_log(entry.found.partition, sink, part, std::move(entry.question));
  }
  sink->asked_all();
}

/// Partitions that a ListOffsets names more than once: all are refused.
std::set<std::pair<std::string, int32_t>> named_twice(
  const kafka::list_offsets_request& body) {
  std::set<std::pair<std::string, int32_t>> seen;
  std::set<std::pair<std::string, int32_t>> twice;
  for (const auto& topic : body.topics)
    for (const auto& p : topic.partitions)
      if (!seen.emplace(topic.name, p.partition_index).second)
        twice.emplace(topic.name, p.partition_index);
  return twice;
}

/// Questions that are no times (KIP-79, KIP-734, KIP-405, KIP-1005, KIP-1023)
/// came with versions of their own.
bool may_ask(int64_t timestamp, int16_t version) {
  constexpr std::array<int16_t, 6> since{1, 1, 7, 8, 9, 11}; // of -1, -2, ...
  const auto at = static_cast<size_t>(-(timestamp + 1));
  return timestamp >= 0 || (at < since.size() && version >= since[at]);
}

/// Of a partition that is named more than once the last one counts, as Kafka
/// takes it.
void drop_overtaken(kafka::delete_records_request& body) {
  std::set<std::pair<std::string, int32_t>> later;
  for (auto topic = body.topics.rbegin(); topic != body.topics.rend();
    ++topic) {
    auto& partitions = topic->partitions;
    for (size_t i = partitions.size(); i-- > 0;)
      if (!later.emplace(topic->name, partitions[i].partition_index).second)
        partitions.erase(partitions.begin() + static_cast<ptrdiff_t>(i));
  }
}

} // namespace

result<void> handle_list_offsets(gateway_core& hub, kafka_request& request) {
  kafka::list_offsets_request body;
  MILLRACE_TRY(read_body(request, body));
  using part_type
    = kafka::list_offsets_response::list_offsets_partition_response;
  auto round
    = std::make_shared<log_round<kafka::list_offsets_response, part_type>>();
  round->response.topics.reserve(body.topics.size());
  const auto twice = named_twice(body);
  // Who only looks for faults (-2) is told of open transactions, too.
  const bool read_committed
    = body.replica_id == consumer && body.isolation_level == 1;
  for (const auto& topic : body.topics) {
    auto& out = round->response.topics.emplace_back();
    out.name = topic.name;
    out.partitions.resize(topic.partitions.size());
    for (size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto& p = topic.partitions[i];
      out.partitions[i].partition_index = p.partition_index;
      auto found = locate(hub, topic.name, p.partition_index);
      if (twice.contains({topic.name, p.partition_index}))
        found.error = kafka_error::invalid_request;
      else if (!may_ask(p.timestamp, request.header.api_version))
        found.error = kafka_error::unsupported_version;
      round->entries.push_back({&out.partitions[i], std::move(found),
        ask_offset_by_time{.timestamp = p.timestamp,
          .read_committed = read_committed,
          .current_epoch = leader_epoch{p.current_leader_epoch}}});
    }
  }
  ask_all<kafka::list_offsets_response, part_type>(
    hub, request.slot, round, [](part_type& out, const log_answer& answer) {
      out.offset = answer.found.value;
      out.timestamp = answer.timestamp;
      out.leader_epoch = answer.epoch.value;
    });
  return {};
}

result<void> handle_offset_for_leader_epoch(
  gateway_core& hub, kafka_request& request) {
  kafka::offset_for_leader_epoch_request body;
  MILLRACE_TRY(read_body(request, body));
  using part_type = kafka::offset_for_leader_epoch_response::epoch_end_offset;
  auto round = std::make_shared<
    log_round<kafka::offset_for_leader_epoch_response, part_type>>();
  round->response.topics.reserve(body.topics.size());
  for (const auto& topic : body.topics) {
    auto& out = round->response.topics.emplace_back();
    out.topic = topic.topic;
    out.partitions.resize(topic.partitions.size());
    for (size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto& p = topic.partitions[i];
      out.partitions[i].partition = p.partition;
      round->entries.push_back(
        {&out.partitions[i], locate(hub, topic.topic, p.partition),
          ask_epoch_end{.epoch = leader_epoch{p.leader_epoch},
            .current_epoch = leader_epoch{p.current_leader_epoch}}});
    }
  }
  ask_all<kafka::offset_for_leader_epoch_response, part_type>(
    hub, request.slot, round, [](part_type& out, const log_answer& answer) {
      out.leader_epoch = answer.epoch.value;
      out.end_offset = answer.found.value;
    });
  return {};
}

result<void> handle_delete_records(gateway_core& hub, kafka_request& request) {
  kafka::delete_records_request body;
  MILLRACE_TRY(read_body(request, body));
  drop_overtaken(body);
  using part_type
    = kafka::delete_records_response::delete_records_partition_result;
  auto round
    = std::make_shared<log_round<kafka::delete_records_response, part_type>>();
  round->response.topics.reserve(body.topics.size());
  for (const auto& topic : body.topics) {
    auto& out = round->response.topics.emplace_back();
    out.name = topic.name;
    out.partitions.resize(topic.partitions.size());
    const auto config
      = effective_topic_config(hub.image(), hub.config(), topic.name);
    // A topic with neither policy is one that only DeleteRecords shortens.
    const bool keeps_records = config.cleanup_compact && !config.cleanup_delete;
    for (size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto& p = topic.partitions[i];
      out.partitions[i].partition_index = p.partition_index;
      out.partitions[i].low_watermark = -1;
      auto found = locate(hub, topic.name, p.partition_index);
      if (is_internal_topic(topic.name)
          && found.error != kafka_error::unknown_topic_or_partition)
        found.error = kafka_error::invalid_topic_exception;
      else if (found.error == kafka_error::none && keeps_records)
        found.error = kafka_error::policy_violation;
      round->entries.push_back({&out.partitions[i], std::move(found),
        ask_delete_records{offset{p.offset}}});
    }
  }
  ask_all<kafka::delete_records_response, part_type>(
    hub, request.slot, round, [](part_type& out, const log_answer& answer) {
      out.low_watermark = answer.log_start.value;
    });
  return {};
}

result<void> handle_describe_producers(
  gateway_core& hub, kafka_request& request) {
  kafka::describe_producers_request body;
  MILLRACE_TRY(read_body(request, body));
  using part_type = kafka::describe_producers_response::partition_response;
  auto round = std::make_shared<
    log_round<kafka::describe_producers_response, part_type>>();
  round->response.topics.reserve(body.topics.size());
  for (const auto& topic : body.topics) {
    auto& out = round->response.topics.emplace_back();
    out.name = topic.name;
    out.partitions.resize(topic.partition_indexes.size());
    for (size_t i = 0; i < topic.partition_indexes.size(); ++i) {
      const auto index = topic.partition_indexes[i];
      out.partitions[i].partition_index = index;
      auto found = locate(hub, topic.name, index);
      if (why_not_topic_name(topic.name))
        found.error = kafka_error::invalid_topic_exception;
      round->entries.push_back(
        {&out.partitions[i], std::move(found), ask_producers{}});
    }
  }
  ask_all<kafka::describe_producers_response, part_type>(
    hub, request.slot, round, [](part_type& out, const log_answer& answer) {
      for (const auto& p : answer.producers)
        out.active_producers.push_back({.producer_id = p.id.value,
          .producer_epoch = p.epoch,
          .last_sequence = p.last_sequence,
          .last_timestamp = p.last_timestamp_ms,
          .coordinator_epoch = p.coordinator_epoch,
          .current_txn_start_offset = p.transaction_start.value});
    });
  return {};
}

} // namespace millrace
