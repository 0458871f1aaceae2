#pragma once

// What a load was measured at.

#include "apps/cli/table.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace::cli {

/// Counts and latencies of one run.
struct figures {
  std::string load; ///< what was done, in a few words
  int64_t requests = 0;
  int64_t records = 0;
  int64_t bytes = 0; ///< of record batches, as on the wire
  int64_t errors = 0;
  int64_t elapsed_ns = 0;
  std::vector<int64_t> latencies_ns;
};

/// The value that `percent` of the values do not exceed; 0 without values.
/// Reorders them.
[[nodiscard]] int64_t percentile(std::vector<int64_t>& values, double percent);

/// One row: MB/s (of a million bytes), records/s, requests/s, p50 and p99
/// latency in microseconds.
[[nodiscard]] table table_of(figures& run);

} // namespace millrace::cli
