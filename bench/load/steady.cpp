#include "bench/load/connection.hpp"
#include "bench/load/loads.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace millrace::bench {
namespace {

using steady_clock = std::chrono::steady_clock;

/// When each request of one connection is due.
struct timetable {
  steady_clock::time_point begin;
  steady_clock::duration interval;
  long requests = 0;

  [[nodiscard]] steady_clock::time_point due(long i) const {
    return begin + i * interval;
  }
};

struct outcome {
  std::vector<double> latencies_us;
  long errors = 0;
};

/// Answers come in the order of the requests: this one's time is the i-th.
outcome take_answers(connection& peer, const timetable& times) {
  outcome seen;
  seen.latencies_us.reserve(static_cast<size_t>(times.requests));
  for (long i = 0; i < times.requests; ++i) {
    if (produce_error(peer.receive()) != 0)
      ++seen.errors;
    seen.latencies_us.push_back(std::chrono::duration<double, std::micro>(
      steady_clock::now() - times.due(i))
        .count());
  }
  return seen;
}

outcome run_connection(uint16_t port, const std::vector<std::string>& frames,
  size_t first, const timetable& times) {
  connection peer{port};
  const std::jthread sender{[&] {
    for (long i = 0; i < times.requests; ++i) {
      std::this_thread::sleep_until(times.due(i));
      peer.send(frames[(first + static_cast<size_t>(i)) % frames.size()]);
    }
  }};
  return take_answers(peer, times);
}

} // namespace

figures steady(const target& where, const steady_load& load) {
  const auto batch = make_batch(load.batch);
  std::vector<std::string> frames;
  for (int32_t p = 0; p < where.partitions; ++p)
    frames.push_back(produce_frame(where.topic, p, batch, load.acks));
  const server_process server{where.pid};
  std::vector<outcome> outcomes(static_cast<size_t>(load.connections));
  const auto interval = std::chrono::duration_cast<steady_clock::duration>(
    std::chrono::duration<double>(load.connections / load.rate));
  const double cpu_before = server.cpu_seconds();
  const auto begin = steady_clock::now() + std::chrono::milliseconds{10};
  {
    std::vector<std::jthread> threads;
    for (size_t c = 0; c < outcomes.size(); ++c)
      threads.emplace_back([&, c] {
        // One after the other, not all at once.
        const timetable times{
          begin + static_cast<long>(c) * interval / load.connections, interval,
          static_cast<long>(load.seconds * load.rate / load.connections)};
        outcomes[c] = run_connection(
          where.port, frames, c * frames.size() / outcomes.size(), times);
      });
  }
  const double seconds
    = std::chrono::duration<double>(steady_clock::now() - begin).count();
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
  return {{"requests", requests}, {"errors", static_cast<double>(errors)},
    {"seconds", seconds}, {"requests_per_s", requests / seconds},
    {"p50_us", percentile(latencies, 0.5)},
    {"p99_us", percentile(latencies, 0.99)},
    {"p999_us", percentile(latencies, 0.999)}, {"max_us", latencies.back()},
    {"cpu_us_per_request", cpu * 1e6 / requests},
    {"resident_kib", static_cast<double>(server.resident_kib())}};
}

} // namespace millrace::bench
