#include "storage/crc32c.hpp"
#include "storage/record_batch.hpp"

#include <benchmark/benchmark.h>

#include <vector>

namespace millrace {
namespace {

void checksum(benchmark::State& state) {
  const std::vector<std::byte> bytes(
    static_cast<size_t>(state.range(0)), std::byte{42});
  for (auto _ : state)
    benchmark::DoNotOptimize(crc32c(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(64)->Arg(512)->Arg(4 << 10)->Arg(128 << 10);

} // namespace
} // namespace millrace
