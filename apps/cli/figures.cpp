#include "apps/cli/figures.hpp"

#include <algorithm>

namespace millrace::cli {

int64_t percentile(std::vector<int64_t>& values, double percent) {
  if (values.empty())
    return 0;
  const auto rank = static_cast<size_t>(
    percent / 100.0 * static_cast<double>(values.size() - 1) + 0.5);
  const auto at
    = values.begin()
      + static_cast<std::ptrdiff_t>(std::min(rank, values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

table table_of(figures& run) {
  const double seconds
    = static_cast<double>(std::max<int64_t>(run.elapsed_ns, 1)) / 1e9;
  table out{{"load", "seconds", "mb_per_s", "records_per_s", "requests_per_s",
    "p50_us", "p99_us", "errors"}};
  out.add({run.load, seconds, static_cast<double>(run.bytes) / 1e6 / seconds,
    static_cast<double>(run.records) / seconds,
    static_cast<double>(run.requests) / seconds,
    static_cast<double>(percentile(run.latencies_ns, 50)) / 1e3,
    static_cast<double>(percentile(run.latencies_ns, 99)) / 1e3, run.errors});
  return out;
}

} // namespace millrace::cli
