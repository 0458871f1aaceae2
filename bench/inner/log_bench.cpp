#include "bench/inner/fixtures.hpp"

#include <benchmark/benchmark.h>

#include <random>

namespace millrace::bench {
namespace {

constexpr uint64_t log_bytes_max = uint64_t{256} << 20;

/// `range(0)` batches at once, of `range(1)` records each. Each has a block of
/// its own, as the log writes the offsets into it.
void append(benchmark::State& state) {
  fresh_log fresh{"append"};
  const auto batch = batch_of(state.range(1));
  std::vector<shared_bytes> copies(static_cast<size_t>(state.range(0)));
  for (auto& copy : copies)
    copy = shared_bytes::copy_of(batch.span());
  std::vector<append_item> items(copies.size());
  int64_t bytes = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < items.size(); ++i)
      items[i] = {.batch = copies[i]};
    fresh.log->append(items, {0}, now_ms);
    MILLRACE_ASSERT(
      items.back().error == kafka_error::none, "the batch is accepted");
    bytes += static_cast<int64_t>(items.size() * batch.size());
    if (fresh.log->size_bytes() > log_bytes_max) {
      state.PauseTiming();
      fresh.restart();
      state.ResumeTiming();
    }
  }
  state.SetBytesProcessed(bytes);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(append)->Args({1, 1})->Args({64, 1})->Args({1, 1000});

/// Of a log of `range(0)` batches of 100 records.
void find_position(benchmark::State& state) {
  fresh_log fresh{"find"};
  const auto batch = batch_of(100);
  for (int64_t i = 0; i < state.range(0); ++i) {
    append_item item{.batch = batch};
    fresh.log->append({&item, 1}, {0}, now_ms);
  }
  const auto end = fresh.log->log_end_offset();
  std::minstd_rand random{1};
  for (auto _ : state) {
    const offset from{static_cast<int64_t>(random()) % end.value};
    auto found = fresh.log->read(from, end, size_t{1} << 20, true);
    MILLRACE_ASSERT(found, "the offset is in the log");
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(find_position)->Arg(100)->Arg(10000);

/// The search alone, in an index of `range(0)` entries.
void index_lookup(benchmark::State& state) {
  posix_file_system files;
  file_cache cache{files, 1};
  offset_index index;
  const auto count = static_cast<int32_t>(state.range(0));
  for (int32_t i = 0; i < count; ++i)
    index.append({.relative_offset = i * 40, .position = i * 4096});
  std::minstd_rand random{1};
  for (auto _ : state) {
    const auto wanted
      = static_cast<int32_t>(random() % static_cast<uint32_t>(count * 40));
    auto found = index.last_where(
      [wanted](const offset_entry& e) {
        return e.relative_offset < wanted;
      },
      cache, {});
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(index_lookup)->Arg(1000)->Arg(250000);

} // namespace
} // namespace millrace::bench
