#include "apps/client/fetcher.hpp"

#include "apps/client/leaders.hpp"
#include "apps/client/positions.hpp"
#include "apps/client/refusal.hpp"

#include <algorithm>

namespace millrace::client {

fetcher::fetcher(cluster& nodes, fetcher_options options)
    : nodes_(nodes), options_(options) {}

result<void> fetcher::assign(std::map<topic_partition, int64_t> positions) {
  positions_ = std::move(positions);
  ends_.clear();
  leaders_.clear();
  return {};
}

bool fetcher::at_end() const {
  return std::all_of(positions_.begin(), positions_.end(), [&](const auto& p) {
    const auto end = ends_.find(p.first);
    return end != ends_.end() && p.second >= end->second;
  });
}

result<std::vector<fetched_record>> fetcher::poll(int32_t wait_ms) {
  return with_retries(nodes_.options().timeout_ms, [&](int) {
    auto records = poll_once(wait_ms);
    if (!records && records.error().code == errc::offline) {
      nodes_.drop_all();
      leaders_.clear();
    }
    return records;
  });
}

kafka::fetch_request fetcher::request_for(
  const std::vector<topic_partition>& partitions, int32_t wait_ms) const {
  kafka::fetch_request request;
  request.replica_id = -1;
  request.max_wait_ms = wait_ms;
  request.min_bytes = options_.min_bytes;
  request.max_bytes = options_.bytes_max;
  request.isolation_level = options_.read_committed ? 1 : 0;
  // Each time another partition comes first, so that the bound on the bytes
  // of an answer starves none.
  for (size_t i = 0; i < partitions.size(); ++i) {
    const auto& tp = partitions[(i + turn_) % partitions.size()];
    if (request.topics.empty() || request.topics.back().topic != tp.topic) {
      request.topics.emplace_back();
      request.topics.back().topic = tp.topic;
    }
    auto& p = request.topics.back().partitions.emplace_back();
    p.partition = tp.partition;
    p.current_leader_epoch = epochs_.at(tp);
    p.fetch_offset = positions_.at(tp);
    p.partition_max_bytes = options_.partition_bytes_max;
  }
  return request;
}

result<std::vector<fetched_record>> fetcher::poll_once(int32_t wait_ms) {
  std::vector<fetched_record> records;
  if (positions_.empty()) {
    pause_ms(wait_ms);
    return records;
  }
  if (leaders_.empty()) {
    std::vector<topic_partition> partitions;
    for (const auto& [tp, position] : positions_)
      partitions.push_back(tp);
    auto leaders = group_by_leader(nodes_, partitions, &epochs_);
    if (!leaders)
      return leaders.error();
    leaders_ = std::move(*leaders);
  }
  using asking = std::pair<broker_connection*, broker_connection::ticket>;
  std::vector<asking> asked;
  for (const auto& [leader, partitions] : leaders_) {
    auto to = nodes_.node(leader);
    if (!to)
      return to.error();
    // With several leaders none may keep the others' records waiting.
    auto sent = (*to)->send(request_for(
      partitions, leaders_.size() > 1 ? std::min(wait_ms, 100) : wait_ms));
    if (!sent)
      return sent.error();
    asked.emplace_back(*to, *sent);
  }
  ++turn_;
  for (auto& [connection, ticket] : asked) {
    auto answer = connection->receive<kafka::fetch_response>(
      ticket, wait_ms + nodes_.options().timeout_ms);
    if (!answer)
      return answer.error();
    if (answer->error_code != 0)
      return refused(answer->error_code, "read records");
    for (const auto& topic : answer->responses)
      for (const auto& p : topic.partitions)
        MILLRACE_TRY(take(topic.topic, p, records));
  }
  return records;
}

result<void> fetcher::take(const std::string& topic,
  const kafka::fetch_response::partition_data& answer,
  std::vector<fetched_record>& records) {
  const topic_partition tp{topic, answer.partition_index};
  const auto position = positions_.find(tp);
  if (position == positions_.end())
    return {};
  if (answer.error_code != 0) {
    auto why
      = refused(answer.error_code, "read " + to_string(tp) + " at offset "
                                     + std::to_string(position->second));
    if (answer.error_code
        == static_cast<int16_t>(kafka_error::offset_out_of_range))
      why.code = errc::out_of_range;
    return why;
  }
  ends_[tp] = options_.read_committed ? answer.last_stable_offset
                                      : answer.high_watermark;
  received_bytes_ += static_cast<int64_t>(answer.records.bytes.size());
  auto decoded = decode_batches(answer.records.bytes, position->second);
  if (!decoded)
    return error{
      decoded.error().code, to_string(tp) + ": " + decoded.error().context};
  position->second = decoded->next_offset;
  for (auto& record : decoded->records) {
    record.topic = topic;
    record.partition = answer.partition_index;
    records.push_back(std::move(record));
  }
  return {};
}

} // namespace millrace::client
