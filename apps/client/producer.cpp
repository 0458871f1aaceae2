#include "apps/client/producer.hpp"

#include "apps/client/refusal.hpp"

#include <set>

namespace millrace::client {
namespace {

size_t size_of(const new_record& record) {
  size_t size = 32 + record.key.value_or("").size();
  size += record.value ? record.value->size() : 0;
  for (const auto& [name, value] : record.headers)
    size += 8 + name.size() + (value ? value->size() : 0);
  return size;
}

} // namespace

producer::producer(
  cluster& nodes, producer_options options, const topic_info& topic)
    : nodes_(nodes), options_(std::move(options)),
      partitioner_(static_cast<int32_t>(topic.partitions.size()),
        static_cast<uint32_t>(steady_ns() >> 10)),
      partitions_(topic.partitions.size()) {
  note_leaders(topic);
}

result<producer> producer::open(cluster& nodes, producer_options options) {
  auto topic = nodes.fetch_topic(options.topic, true);
  if (!topic)
    return topic.error();
  if (topic->partitions.empty())
    return refused(kafka_error::leader_not_available,
      "write to topic '" + options.topic + "'");
  producer made{nodes, std::move(options), *topic};
  if (made.options_.idempotent && made.options_.acks == -1)
    made.ask_producer_id();
  return made;
}

void producer::ask_producer_id() {
  kafka::init_producer_id_request request;
  request.transactional_id.reset();
  request.transaction_timeout_ms = 60000;
  // Where it is not to be had, records are written as by older clients: one
  // may come twice after a lost connection.
  auto answer = nodes_.ask_controller(request);
  if (!answer || answer->error_code != 0)
    return;
  producer_id_ = answer->producer_id;
  producer_epoch_ = answer->producer_epoch;
}

void producer::note_leaders(const topic_info& topic) {
  for (const auto& p : topic.partitions)
    if (static_cast<size_t>(p.index) < partitions_.size())
      partitions_[static_cast<size_t>(p.index)].leader = p.leader;
}

result<void> producer::refresh() {
  auto topic = nodes_.fetch_topic(options_.topic, true);
  if (!topic)
    return topic.error();
  note_leaders(*topic);
  return {};
}

result<void> producer::add(new_record record) {
  const auto to = record.partition >= 0 ? record.partition
                                        : partitioner_.choose(record.key);
  if (to >= partition_count())
    return error{errc::not_found,
      "topic '" + options_.topic + "' has no partition " + std::to_string(to)
        + ": it has " + std::to_string(partition_count())};
  if (record.timestamp < 0)
    record.timestamp = wall_ms();
  gathered_bytes_ += size_of(record);
  partitions_[static_cast<size_t>(to)].waiting.push_back(std::move(record));
  return gathered_bytes_ >= options_.buffer_bytes_max ? flush()
                                                      : result<void>{};
}

bool producer::is_empty() const {
  return std::all_of(
    partitions_.begin(), partitions_.end(), [](const partition& p) {
      return p.waiting.empty();
    });
}

result<void> producer::flush() {
  gathered_bytes_ = 0;
  for (retry_loop loop{nodes_.options().timeout_ms}; !is_empty();) {
    const auto before = acknowledged_;
    auto sent = send_round(loop.remaining_ms());
    if (sent && acknowledged_ > before)
      // The time-out is for one batch, not for all that was gathered.
      loop = retry_loop{nodes_.options().timeout_ms};
    if (sent)
      continue;
    if (sent.error().code != errc::offline || !loop.wait())
      return sent;
    nodes_.drop_all();
    // Failing that, the next round fails as well, and is tried again.
    (void)refresh();
  }
  return {};
}

result<void> producer::fill(partition& p) {
  if (p.taken > 0 || p.waiting.empty())
    return {};
  size_t bytes = 0;
  while (p.taken < p.waiting.size() && p.taken < p.records_max) {
    bytes += size_of(p.waiting[p.taken]);
    if (p.taken > 0 && bytes > options_.batch_bytes_max)
      break;
    ++p.taken;
  }
  const std::vector<new_record> records(p.waiting.begin(),
    p.waiting.begin() + static_cast<std::ptrdiff_t>(p.taken));
  const bool numbered = producer_id_ >= 0;
  auto batch = encode_batch(records, options_.codec,
    {producer_id_, producer_epoch_, numbered ? p.sequence : -1});
  if (!batch) {
    p.taken = 0;
    return batch.error();
  }
  p.batch = std::move(*batch);
  return {};
}

kafka::produce_request producer::request_for(int32_t leader) const {
  kafka::produce_request request;
  request.acks = options_.acks;
  request.timeout_ms = nodes_.options().timeout_ms;
  auto& topic = request.topic_data.emplace_back();
  topic.name = options_.topic;
  for (size_t i = 0; i < partitions_.size(); ++i) {
    const auto& p = partitions_[i];
    if (p.leader != leader || p.taken == 0)
      continue;
    auto& data = topic.partition_data.emplace_back();
    data.index = static_cast<int32_t>(i);
    data.records.bytes = p.batch;
  }
  return request;
}

result<void> producer::send_round(int timeout_ms) {
  std::set<int32_t> leaders;
  for (auto& p : partitions_) {
    MILLRACE_TRY(fill(p));
    if (p.taken == 0)
      continue;
    if (p.leader < 0)
      return refused(kafka_error::leader_not_available,
        "write to topic '" + options_.topic + "'");
    leaders.insert(p.leader);
  }
  using sending = std::pair<broker_connection*, broker_connection::ticket>;
  std::vector<sending> sent;
  for (auto leader : leaders) {
    auto to = nodes_.node(leader);
    if (!to)
      return to.error();
    auto ticket = (*to)->send(request_for(leader));
    if (!ticket)
      return ticket.error();
    sent.emplace_back(*to, *ticket);
  }
  if (options_.acks == 0) {
    for (size_t i = 0; i < partitions_.size(); ++i)
      acknowledge(static_cast<int32_t>(i));
    return {};
  }
  // All answers are read, also after one that is an error: the others count.
  result<void> outcome;
  for (auto& [connection, ticket] : sent) {
    auto answer
      = connection->receive<kafka::produce_response>(ticket, timeout_ms);
    if (!answer)
      return answer.error();
    if (auto taken = take_answer(*answer); !taken)
      outcome = taken;
  }
  return outcome;
}

result<void> producer::take_answer(const kafka::produce_response& answer) {
  result<void> outcome;
  for (const auto& topic : answer.responses) {
    for (const auto& p : topic.partition_responses) {
      auto message = p.error_message;
      if (!p.record_errors.empty()
          && p.record_errors.front().batch_index_error_message)
        message = p.record_errors.front().batch_index_error_message;
      if (auto taken = take_code(p.index, p.error_code, message); !taken)
        outcome = taken;
    }
  }
  return outcome;
}

result<void> producer::take_code(
  int32_t index, int16_t code, const std::optional<std::string>& message) {
  if (index < 0 || index >= partition_count())
    return error{errc::corrupt, "the server answered for partition "
                                  + std::to_string(index)
                                  + ", which was not asked"};
  auto& p = partitions_[static_cast<size_t>(index)];
  const auto what
    = "write to " + to_string(topic_partition{options_.topic, index});
  switch (static_cast<kafka_error>(code)) {
  case kafka_error::none:
  case kafka_error::duplicate_sequence_number:
    acknowledge(index);
    return {};
  case kafka_error::message_too_large:
  case kafka_error::record_list_too_large:
    if (p.taken <= 1)
      return refused(code, what, message);
    // Nothing was written: the same records go again in smaller batches.
    p.records_max = p.taken / 2;
    p.taken = 0;
    return {};
  case kafka_error::unknown_topic_or_partition: {
    auto why = refused(code, what, message);
    why.code = errc::offline; // A new topic may not be known everywhere.
    return why;
  }
  default:
    return refused(code, what, message);
  }
}

void producer::acknowledge(int32_t index) {
  auto& p = partitions_[static_cast<size_t>(index)];
  if (p.taken == 0)
    return;
  p.waiting.erase(p.waiting.begin(),
    p.waiting.begin() + static_cast<std::ptrdiff_t>(p.taken));
  acknowledged_ += static_cast<int64_t>(p.taken);
  sent_bytes_ += static_cast<int64_t>(p.batch.size());
  // Sequences wrap from 2^31-1 to 0 (KIP-98).
  p.sequence = static_cast<int32_t>(
    (static_cast<int64_t>(p.sequence) + static_cast<int64_t>(p.taken))
    & 0x7fffffff);
  p.taken = 0;
  p.batch = {};
  partitioner_.batch_sent(index);
}

} // namespace millrace::client
