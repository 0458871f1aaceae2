#include "bench/load/connection.hpp"
#include "bench/load/loads.hpp"
#include "bench/load/wire.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace millrace::bench {
namespace {

using steady_clock = std::chrono::steady_clock;

/// Reads until all connections together have `load.bytes`.
void run_connection(const target& where, const fetch_load& load,
  int32_t partition, std::atomic<int64_t>& bytes, std::atomic<long>& requests) {
  connection peer{where.port};
  int64_t from = 0;
  const auto begin = steady_clock::now();
  while (bytes.load() < load.bytes) {
    if (load.mb_per_s > 0)
      std::this_thread::sleep_until(
        begin
        + std::chrono::microseconds{static_cast<int64_t>(
          static_cast<double>(bytes.load()) / load.mb_per_s)});
    peer.send(fetch_frame(where.topic, partition, from, load.bytes_max));
    const auto got = read_fetch(peer.receive());
    if (got.error != 0) {
      std::fprintf(stderr, "millrace_load: fetch: error %d\n", got.error);
      std::_Exit(2);
    }
    bytes += static_cast<int64_t>(got.bytes);
    ++requests;
    if (got.next >= 0) {
      from = got.next;
      continue;
    }
    if (from == 0) {
      std::fprintf(
        stderr, "millrace_load: fetch: partition %d is empty\n", partition);
      std::_Exit(2);
    }
    from = 0;
    partition = (partition + load.connections) % where.partitions;
  }
}

} // namespace

figures fetch(const target& where, const fetch_load& load) {
  const server_process server{where.pid};
  std::atomic<int64_t> bytes{0};
  std::atomic<long> requests{0};
  const double cpu_before = server.cpu_seconds();
  const auto begin = steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (int c = 0; c < load.connections; ++c)
      threads.emplace_back([&, c] {
        run_connection(where, load, c % where.partitions, bytes, requests);
      });
  }
  const double seconds
    = std::chrono::duration<double>(steady_clock::now() - begin).count();
  const double cpu = server.cpu_seconds() - cpu_before;
  const double gigabytes = static_cast<double>(bytes.load()) / 1e9;
  const auto count = static_cast<double>(requests.load());
  return {{"requests", count}, {"seconds", seconds},
    {"mb_per_s", gigabytes * 1000 / seconds}, {"cpu_s_per_gb", cpu / gigabytes},
    {"cpu_us_per_request", cpu * 1e6 / count},
    {"resident_kib", static_cast<double>(server.resident_kib())}};
}

} // namespace millrace::bench
