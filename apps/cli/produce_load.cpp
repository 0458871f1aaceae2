#include "apps/cli/load.hpp"
#include "apps/cli/load_connections.hpp"
#include "apps/client/batch_codec.hpp"
#include "apps/client/refusal.hpp"

namespace millrace::cli {
namespace {

using connections = std::vector<std::unique_ptr<load_connection>>;

/// Printable bytes that compress about as well as text does.
std::string filling(size_t size) {
  uint64_t x = 88172645463325252ull;
  std::string out(size, '\0');
  for (auto& c : out) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    c = static_cast<char>('a' + x % 26);
  }
  return out;
}

/// One prepared request for a partition.
struct prepared {
  int32_t partition = 0;
  client::broker_connection::ticket ticket{};
  std::string frame{};
};

class produce_run {
public:
  produce_run(const produce_load& load, connections to,
    std::vector<prepared> requests, size_t batch_bytes)
      : load_(load), to_(std::move(to)), requests_(std::move(requests)),
        batch_bytes_(batch_bytes) {}

  result<figures> run() {
    const auto began = client::steady_ns();
    const auto end = began + static_cast<int64_t>(load_.seconds * 1e9);
    // Without answers there is nothing to wait for but the socket.
    if (load_.acks == 0)
      MILLRACE_TRY(push(end));
    else
      MILLRACE_TRY(converse(end));
    counted_.elapsed_ns = client::steady_ns() - began;
    counted_.load = std::to_string(load_.batch_records) + " x "
                    + std::to_string(load_.record_bytes) + " B";
    return std::move(counted_);
  }

private:
  result<void> converse(int64_t end) {
    for (int32_t i = 0; i < load_.in_flight; ++i)
      for (auto& c : to_)
        MILLRACE_TRY(send(*c));
    size_t open = to_.size() * static_cast<size_t>(load_.in_flight);
    while (open > 0) {
      for (auto* c : readable(to_)) {
        MILLRACE_TRY(receive(*c));
        --open;
        if (client::steady_ns() >= end)
          continue;
        MILLRACE_TRY(send(*c));
        ++open;
      }
    }
    return {};
  }

  result<void> push(int64_t end) {
    while (client::steady_ns() < end) {
      for (auto& c : to_) {
        MILLRACE_TRY(send(*c));
        c->waiting.clear();
        count();
      }
    }
    return {};
  }

  result<void> send(load_connection& c) {
    const size_t item = next_++ % requests_.size();
    const auto& request = requests_[item];
    c.waiting.push_back({request.ticket, client::steady_ns(), item});
    return c.to.send_raw(std::as_bytes(std::span{request.frame}));
  }

  result<void> receive(load_connection& c) {
    auto answer
      = c.to.receive<kafka::produce_response>(c.waiting.front().ticket, 60000);
    if (!answer)
      return answer.error();
    counted_.latencies_ns.push_back(
      client::steady_ns() - c.waiting.front().sent_ns);
    c.waiting.pop_front();
    for (const auto& topic : answer->responses) {
      for (const auto& p : topic.partition_responses) {
        if (p.error_code == 0) {
          count();
          continue;
        }
        ++counted_.errors;
        // A load that is refused altogether measures nothing.
        if (counted_.errors > 100 && counted_.records == 0)
          return client::refused(
            p.error_code, "write to " + topic.name, p.error_message);
      }
    }
    return {};
  }

  void count() {
    ++counted_.requests;
    counted_.records += load_.batch_records;
    counted_.bytes += static_cast<int64_t>(batch_bytes_);
  }

  const produce_load& load_;
  connections to_;
  std::vector<prepared> requests_;
  size_t batch_bytes_;
  size_t next_ = 0;
  figures counted_;
};

} // namespace

result<figures> run_load(client::cluster& nodes, const produce_load& load) {
  auto topic = nodes.fetch_topic(load.topic, true);
  if (!topic)
    return topic.error();
  client::new_record record;
  record.value = filling(static_cast<size_t>(load.record_bytes));
  record.timestamp = client::wall_ms();
  const std::vector<client::new_record> records(
    static_cast<size_t>(load.batch_records), record);
  auto batch = client::encode_batch(records, load.codec, {});
  if (!batch)
    return batch.error();
  // One node's partitions: each connection leads to one node.
  const int32_t leader = topic->partitions.front().leader;
  auto to = open_load(nodes, leader, load.connections);
  if (!to)
    return to.error();
  std::vector<prepared> requests;
  for (const auto& p : topic->partitions) {
    if (p.leader != leader)
      continue;
    kafka::produce_request request;
    request.acks = load.acks;
    request.timeout_ms = 60000;
    auto& t = request.topic_data.emplace_back();
    t.name = load.topic;
    auto& data = t.partition_data.emplace_back();
    data.index = p.index;
    data.records.bytes = *batch;
    auto made = to->front()->to.prepare(request);
    if (!made)
      return made.error();
    requests.push_back({p.index, made->first, std::move(made->second)});
  }
  return produce_run{load, std::move(*to), std::move(requests), batch->size()}
    .run();
}

} // namespace millrace::cli
