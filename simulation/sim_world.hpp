#pragma once

// The clock, the dice and the events of one simulated run. Everything that
// happens, happens in one thread, in an order that follows from the seed.

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string_view>
#include <utility>

namespace millrace {

/// Virtual time in nanoseconds, from 0.
using sim_time = int64_t;

inline constexpr sim_time sim_ms = 1'000'000;
inline constexpr sim_time sim_second = 1'000 * sim_ms;

class sim_world {
public:
  explicit sim_world(uint64_t seed) : rng_(seed) {}

  [[nodiscard]] sim_time now() const {
    return now_;
  }
  /// Uniform in [0, bound).
  uint64_t random(uint64_t bound) {
    return rng_() % bound;
  }
  uint64_t random_bits() {
    return rng_();
  }

  /// Calls `what` at now() + `delay`; what is due at the same time happens in
  /// the order of these calls.
  void after(sim_time delay, std::function<void()> what);
  /// The time of the next event, or INT64_MAX.
  [[nodiscard]] sim_time next_event() const;
  /// Goes to `time` and runs what is due by then. True if anything was.
  bool advance_to(sim_time time);

  /// Makes `bytes` part of the trace.
  void trace(uint64_t kind, uint64_t number, std::string_view bytes = {});
  [[nodiscard]] uint64_t trace_hash() const {
    return hash_;
  }
  [[nodiscard]] uint64_t events() const {
    return events_;
  }

private:
  std::mt19937_64 rng_;
  sim_time now_ = 0;
  uint64_t sequence_ = 0;
  std::map<std::pair<sim_time, uint64_t>, std::function<void()>> queue_;
  uint64_t hash_ = 0xcbf29ce484222325ull;
  uint64_t events_ = 0;
};

} // namespace millrace
