#include "apps/cli/load.hpp"
#include "apps/cli/load_connections.hpp"
#include "apps/client/positions.hpp"
#include "apps/client/refusal.hpp"
#include "storage/record_batch.hpp"

namespace millrace::cli {
namespace {

using connections = std::vector<std::unique_ptr<load_connection>>;

/// Where the reading of a partition is.
struct reading {
  int32_t partition = 0;
  int64_t position = 0;
  int64_t end = 0;
};

class consume_run {
public:
  consume_run(
    const consume_load& load, connections to, std::vector<reading> readings)
      : load_(load), to_(std::move(to)), readings_(std::move(readings)) {}

  result<figures> run() {
    const auto began = client::steady_ns();
    const auto end = began + static_cast<int64_t>(load_.seconds * 1e9);
    // One fetch per connection: the next one depends on its answer.
    for (size_t i = 0; i < to_.size(); ++i)
      MILLRACE_TRY(send(*to_[i], i));
    while (busy() && client::steady_ns() < end)
      for (auto* c : readable(to_))
        MILLRACE_TRY(turn(*c));
    counted_.elapsed_ns = client::steady_ns() - began;
    counted_.load = "fetch " + std::to_string(load_.fetch_bytes >> 10) + " KiB";
    return std::move(counted_);
  }

private:
  [[nodiscard]] bool busy() const {
    return std::any_of(to_.begin(), to_.end(), [](const auto& c) {
      return !c->waiting.empty();
    });
  }

  /// The partition after `from`, of those of its connection, that is not
  /// read to its end; connection i has partitions i, i + n, i + 2n...
  [[nodiscard]] std::optional<size_t> next_after(size_t from) const {
    const size_t step = to_.size();
    const size_t first = from % step;
    for (size_t k = 1; k <= readings_.size(); ++k) {
      const size_t count = (readings_.size() - first + step - 1) / step;
      const size_t i = first + ((from - first) / step + k) % count * step;
      if (readings_[i].position < readings_[i].end)
        return i;
    }
    return std::nullopt;
  }

  result<void> turn(load_connection& c) {
    const auto done = c.waiting.front().item;
    MILLRACE_TRY(receive(c));
    const auto next = next_after(done);
    return next ? send(c, *next) : result<void>{};
  }

  result<void> send(load_connection& c, size_t item) {
    kafka::fetch_request request;
    request.replica_id = -1;
    request.max_wait_ms = 500;
    request.min_bytes = 1;
    request.max_bytes = std::max(load_.fetch_bytes, 52428800);
    auto& topic = request.topics.emplace_back();
    topic.topic = load_.topic;
    auto& p = topic.partitions.emplace_back();
    p.partition = readings_[item].partition;
    p.fetch_offset = readings_[item].position;
    p.partition_max_bytes = load_.fetch_bytes;
    const auto now = client::steady_ns();
    auto sent = c.to.send(request);
    if (!sent)
      return sent.error();
    c.waiting.push_back({*sent, now, item});
    return {};
  }

  result<void> receive(load_connection& c) {
    const auto asked = c.waiting.front();
    auto answer = c.to.receive<kafka::fetch_response>(asked.ticket, 60000);
    if (!answer)
      return answer.error();
    c.waiting.pop_front();
    counted_.latencies_ns.push_back(client::steady_ns() - asked.sent_ns);
    ++counted_.requests;
    for (const auto& topic : answer->responses) {
      for (const auto& p : topic.partitions) {
        if (p.error_code != 0)
          return client::refused(p.error_code, "read " + topic.topic);
        count(readings_[asked.item], p.records.bytes);
      }
    }
    return {};
  }

  void count(reading& at, const shared_bytes& records) {
    counted_.bytes += static_cast<int64_t>(records.size());
    auto rest = records.span();
    while (rest.size() >= batch_view::header_size) {
      const batch_view batch{rest};
      const auto size = static_cast<size_t>(batch.size());
      if (size < batch_view::header_size || size > rest.size())
        break;
      counted_.records += batch.record_count();
      at.position = batch.last_offset().value + 1;
      rest = rest.subspan(size);
    }
  }

  const consume_load& load_;
  connections to_;
  std::vector<reading> readings_;
  figures counted_;
};

} // namespace

result<figures> run_load(client::cluster& nodes, const consume_load& load) {
  auto topic = nodes.fetch_topic(load.topic);
  if (!topic)
    return topic.error();
  const int32_t leader = topic->partitions.front().leader;
  std::vector<topic_partition> partitions;
  for (const auto& p : topic->partitions)
    if (p.leader == leader)
      partitions.push_back({load.topic, p.index});
  auto starts
    = client::find_offsets(nodes, partitions, client::earliest_timestamp);
  if (!starts)
    return starts.error();
  auto ends = client::find_offsets(nodes, partitions, client::latest_timestamp);
  if (!ends)
    return ends.error();
  std::vector<reading> readings;
  for (const auto& tp : partitions)
    if (starts->at(tp) < ends->at(tp))
      readings.push_back({tp.partition, starts->at(tp), ends->at(tp)});
  if (readings.empty())
    return error{
      errc::not_found, "topic '" + load.topic
                         + "' is empty; fill it with `millrace bench "
                           "produce`"};
  auto to = open_load(nodes, leader,
    std::min(load.connections, static_cast<int32_t>(readings.size())));
  if (!to)
    return to.error();
  return consume_run{load, std::move(*to), std::move(readings)}.run();
}

} // namespace millrace::cli
