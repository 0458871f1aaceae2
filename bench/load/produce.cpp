#include "bench/load/connection.hpp"
#include "bench/load/loads.hpp"
#include "bench/load/wire.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>

namespace millrace::bench {
namespace {

using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point begin) {
  return std::chrono::duration<double>(steady::now() - begin).count();
}

/// What one connection saw.
struct outcome {
  std::vector<double> latencies_us;
  long errors = 0;
};

/// Sends `requests` of the frames in turn, from frame `first` on.
outcome run_connection(uint16_t port, const std::vector<std::string>& frames,
  size_t first, const produce_load& load, long requests) {
  outcome seen;
  seen.latencies_us.reserve(static_cast<size_t>(requests));
  connection peer{port};
  std::deque<steady::time_point> sent;
  auto take_answer = [&] {
    if (produce_error(peer.receive()) != 0)
      ++seen.errors;
    seen.latencies_us.push_back(seconds_since(sent.front()) * 1e6);
    sent.pop_front();
  };
  for (long i = 0; i < requests; ++i) {
    sent.push_back(steady::now());
    peer.send(frames[(first + static_cast<size_t>(i)) % frames.size()]);
    // All that has arrived is taken, so that the window opens in one go.
    while (
      std::ssize(sent) >= load.in_flight || (!sent.empty() && peer.buffered()))
      take_answer();
  }
  while (!sent.empty())
    take_answer();
  return seen;
}

} // namespace

double percentile(const std::vector<double>& sorted, double part) {
  const auto last = sorted.size() - 1;
  return sorted[std::min(
    last, static_cast<size_t>(part * static_cast<double>(sorted.size())))];
}

figures produce(const target& where, const produce_load& load) {
  std::vector<std::string> frames;
  for (uint32_t b = 0; b < load.batches; ++b) {
    const auto batch = make_batch(load.batch, b + 1);
    for (int32_t p = 0; p < where.partitions; ++p)
      frames.push_back(produce_frame(where.topic, p, batch, load.acks));
  }

  const server_process server{where.pid};
  const long each = load.requests / load.connections;
  std::vector<outcome> outcomes(static_cast<size_t>(load.connections));
  const double cpu_before = server.cpu_seconds();
  const auto begin = steady::now();
  std::vector<std::jthread> threads;
  for (size_t c = 0; c < outcomes.size(); ++c)
    threads.emplace_back([&, c] {
      // Apart, so that connections do not walk the partitions in step.
      const size_t first = c * frames.size() / outcomes.size();
      outcomes[c] = run_connection(where.port, frames, first, load, each);
    });
  threads.clear();
  const double seconds = seconds_since(begin);
  const double cpu = server.cpu_seconds() - cpu_before;

  std::vector<double> latencies;
  long errors = 0;
  for (auto& seen : outcomes) {
    latencies.insert(
      latencies.end(), seen.latencies_us.begin(), seen.latencies_us.end());
    errors += seen.errors;
  }
  std::sort(latencies.begin(), latencies.end());
  const auto requests = static_cast<double>(latencies.size());
  const double gigabytes
    = requests * load.batch.records * load.batch.record_bytes / 1e9;
  return {{"requests", requests}, {"errors", static_cast<double>(errors)},
    {"seconds", seconds}, {"requests_per_s", requests / seconds},
    {"mb_per_s", gigabytes * 1000 / seconds},
    {"p50_us", percentile(latencies, 0.5)},
    {"p99_us", percentile(latencies, 0.99)},
    {"cpu_us_per_request", cpu * 1e6 / requests},
    {"cpu_s_per_gb", cpu / gigabytes},
    {"resident_kib", static_cast<double>(server.resident_kib())}};
}

} // namespace millrace::bench
