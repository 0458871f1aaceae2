#pragma once

// What a node counts. Plain relaxed atomics, written by whoever does the
// thing and read by the metrics page.

#include <array>
#include <atomic>
#include <cstdint>

namespace millrace {

/// Only ever rises (or, for gauges, is set).
struct counter {
  std::atomic<int64_t> value{0};

  void add(int64_t n = 1) {
    value.fetch_add(n, std::memory_order_relaxed);
  }
  [[nodiscard]] int64_t get() const {
    return value.load(std::memory_order_relaxed);
  }
};

/// Places for APIs, as in kafka::apis(); the last one is for all others.
inline constexpr size_t counted_apis = 96;

struct node_counters {
  counter connections;            ///< open now
  counter connections_total;      ///< accepted, ever
  counter bytes_in;               ///< record bytes produced
  counter bytes_out;              ///< record bytes fetched
  counter bytes_out_by_followers; ///< of them from what others lead
  counter records_in;
  counter batches_in;
  counter failed_produce;
  counter failed_fetch;
  counter closed_for_errors;
  counter throttled_produces; ///< whose client was beyond its quota
  counter throttled_fetches;
  counter throttled_requests; ///< beyond request_percentage
  counter throttled_connections;
  counter mutes;    ///< times that a client's connection was not read for it
  counter muted_ms; ///< for how long, in all
  std::array<counter, counted_apis> requests;
};

} // namespace millrace
