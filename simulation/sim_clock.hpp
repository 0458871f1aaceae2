#pragma once

// A node's monotonic clock: runs a little too fast or too slow, and stands
// still with the machine.

#include "simulation/sim_world.hpp"

namespace millrace {

class sim_clock {
public:
  /// From here on it shows `shown` at world time `now`.
  void set(sim_time now, sim_time shown) {
    base_ = now;
    shown_ = shown;
  }
  /// Gains `ppm` millionths from here on.
  void set_drift(sim_time now, int64_t ppm) {
    set(now, at(now));
    rate_ = million + ppm;
  }

  [[nodiscard]] sim_time at(sim_time world) const {
    return shown_ + scaled(world - base_, rate_, million);
  }
  /// The first world time at which the clock shows `shown` or more.
  [[nodiscard]] sim_time when(sim_time shown) const {
    if (shown <= shown_)
      return base_;
    auto world = base_ + scaled(shown - shown_, million, rate_);
    while (at(world) < shown)
      ++world;
    return world;
  }

private:
  static constexpr int64_t million = 1'000'000;

  /// span * up / down, for spans of centuries.
  static sim_time scaled(sim_time span, int64_t up, int64_t down) {
    return span / down * up + span % down * up / down;
  }

  sim_time base_ = 0;
  sim_time shown_ = 0;
  int64_t rate_ = million;
};

} // namespace millrace
