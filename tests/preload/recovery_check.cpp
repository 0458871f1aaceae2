#include "tests/preload/recovery_check.hpp"

#include "apps/client/group_member.hpp"
#include "apps/client/positions.hpp"
#include "apps/client/refusal.hpp"
#include "schema/kafka_error.hpp"
#include "storage/record_batch.hpp"
#include "tests/preload/record_values.hpp"
#include "tests/preload/requests.hpp"

namespace millrace::preload {

namespace {

constexpr int timeout_ms = 10'000;

class recovered_server {
public:
  recovered_server(const endpoint& server, const promises& expected)
      : nodes_({.bootstrap = {server}, .timeout_ms = timeout_ms}),
        expected_(expected) {}

  result<seen_state> check() {
    MILLRACE_TRY(check_topics());
    MILLRACE_TRY(check_records());
    MILLRACE_TRY(check_commits());
    MILLRACE_TRY(check_producer_id());
    MILLRACE_TRY(check_duplicates());
    return std::move(seen_);
  }

private:
  static result<void> verdict(const std::string& problem) {
    if (problem.empty())
      return {};
    return error{errc::corrupt, problem};
  }

  result<void> check_topics() {
    auto topics = nodes_.fetch_topics(std::nullopt);
    if (!topics)
      return topics.error();
    for (const auto& topic : *topics) {
      if (topic.internal)
        continue;
      seen_.topics.insert(topic.name);
      for (const auto& p : topic.partitions) {
        seen_.logs[{topic.name, p.index}];
        epochs_[{topic.name, p.index}] = leader_epoch{p.leader_epoch};
      }
    }
    return verdict(expected_.check_topics(seen_.topics));
  }

  result<void> check_records() {
    std::map<topic_partition, int64_t> from;
    for (const auto& [at, log] : seen_.logs)
      from[at] = client::earliest_timestamp;
    auto starts = client::find_offsets(nodes_, from);
    if (!starts)
      return starts.error();
    for (const auto& [at, start] : *starts)
      seen_.logs.at(at).start = start;
    for (auto& [at, log] : seen_.logs)
      MILLRACE_TRY(read_log(at, log));
    for (const auto& [at, log] : seen_.logs)
      MILLRACE_TRY(
        verdict(expected_.check_records(at, log.start, log.records)));
    return {};
  }

  result<void> read_log(const topic_partition& at, seen_state::log& log) {
    kafka::fetch_request request;
    request.replica_id = -1;
    request.max_bytes = 16 << 20;
    auto& topic = request.topics.emplace_back();
    topic.topic = at.topic;
    auto& partition = topic.partitions.emplace_back();
    partition.partition = at.partition;
    partition.partition_max_bytes = 1 << 20;
    partition.fetch_offset = log.start;
    for (int64_t end = log.start + 1; partition.fetch_offset < end;) {
      const auto before = partition.fetch_offset;
      MILLRACE_TRY(client::with_retries(timeout_ms, [&](int) -> result<void> {
        auto to = nodes_.any();
        if (!to)
          return to.error();
        auto answer = (*to)->call(request, timeout_ms);
        if (!answer)
          return answer.error();
        const auto& part = answer->responses.at(0).partitions.at(0);
        if (part.error_code != 0)
          return client::refused(part.error_code, "read " + to_string(at));
        end = part.high_watermark;
        return take(at, part.records.bytes, log, partition.fetch_offset);
      }));
      if (partition.fetch_offset == before && before < end)
        return verdict(to_string(at) + ": nothing can be read at offset "
                       + std::to_string(before) + ", below the high watermark");
    }
    return {};
  }

  /// Takes what came for `next`, and moves it.
  result<void> take(const topic_partition& at, const shared_bytes& bytes,
    seen_state::log& log, int64_t& next) {
    auto decoded = client::decode_batches(bytes, next);
    if (!decoded)
      return verdict(to_string(at) + ": " + decoded.error().context);
    next = decoded->next_offset;
    for (const auto& r : decoded->records)
      log.records.push_back({r.offset, number_of(r.value).value_or(-1)});
    // R7: a start gets an epoch that nothing has been written under.
    for (auto rest = bytes.span(); rest.size() >= batch_view::header_size;) {
      const batch_view batch{rest};
      if (batch.epoch() >= epochs_.at(at))
        return verdict(to_string(at) + ": leads under epoch "
                       + std::to_string(epochs_.at(at).value)
                       + ", under which records were written before");
      rest = rest.subspan(
        std::min(rest.size(), static_cast<size_t>(batch.size())));
    }
    return {};
  }

  result<void> check_commits() {
    for (const auto& [group, at] : expected_.commits()) {
      auto committed = client::fetch_committed(nodes_, group, {at});
      if (!committed)
        return committed.error();
      const auto at_all = committed->find(at);
      const int64_t found = at_all == committed->end() ? -1 : at_all->second;
      seen_.commits[{group, at}] = found;
      MILLRACE_TRY(verdict(expected_.check_commit(group, at, found)));
    }
    return {};
  }

  result<void> check_producer_id() {
    auto to = nodes_.any();
    if (!to)
      return to.error();
    auto answer = (*to)->call(producer_id_request(), timeout_ms);
    if (!answer)
      return answer.error();
    if (answer->error_code != 0)
      return verdict(
        "no producer id: error " + std::to_string(answer->error_code));
    return verdict(expected_.check_producer_id(answer->producer_id));
  }

  /// R13: a batch that comes again is answered like the original.
  result<void> check_duplicates() {
    std::map<topic_partition, int64_t> at_end;
    for (const auto& o : expected_.last_produces()) {
      auto to = nodes_.any();
      if (!to)
        return to.error();
      auto answer
        = (*to)->call(produce_to(o.at, o.acks,
                        make_batch({o.producer, o.sequence, o.value, o.count})),
          timeout_ms);
      if (!answer)
        return answer.error();
      const auto& part = answer_of(*answer);
      const auto code = static_cast<kafka_error>(part.error_code);
      const bool like_before
        = code == kafka_error::none && part.base_offset == o.base_offset;
      if (!like_before && code != kafka_error::duplicate_sequence_number)
        return verdict("record " + std::to_string(o.value) + ", sent again to "
                       + to_string(o.at) + ", is answered with "
                       + to_string(code) + " and offset "
                       + std::to_string(part.base_offset));
      at_end[o.at] = client::latest_timestamp;
    }
    auto ends = client::find_offsets(nodes_, at_end);
    if (!ends)
      return ends.error();
    for (const auto& [at, end] : *ends)
      if (const auto& log = seen_.logs.at(at);
        end != log.start + static_cast<int64_t>(log.records.size()))
        return verdict(to_string(at)
                       + ": a batch that was sent again has "
                         "been written twice");
    return {};
  }

  client::cluster nodes_;
  const promises& expected_;
  std::map<topic_partition, leader_epoch> epochs_;
  seen_state seen_;
};

} // namespace

std::string seen_state::missing_from(const seen_state& later) const {
  for (const auto& topic : topics)
    if (!later.topics.contains(topic))
      return "topic " + topic + " was seen and is gone";
  for (const auto& [at, log] : logs) {
    const auto& now = later.logs.at(at);
    if (now.start < log.start)
      return to_string(at) + " started at " + std::to_string(log.start)
             + " and starts at " + std::to_string(now.start);
    if (now.records.size() < log.records.size())
      return to_string(at) + ": " + std::to_string(log.records.size())
             + " records were seen, and " + std::to_string(now.records.size())
             + " are there";
  }
  for (const auto& [name, value] : commits)
    if (later.commits.at(name) < value)
      return name.first + " had committed " + std::to_string(value)
             + ", and now it is " + std::to_string(later.commits.at(name));
  return {};
}

result<seen_state> check_recovered(
  const endpoint& server, const promises& expected) {
  return recovered_server{server, expected}.check();
}

} // namespace millrace::preload
