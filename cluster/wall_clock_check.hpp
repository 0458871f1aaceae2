#pragma once

#include <cstdint>

namespace millrace {

/// Distrusts a wall clock that makes a step which the monotonic clock did not
/// see: a jump forward must not delete data (R19).
class wall_clock_check {
public:
  /// A step of more than this is a jump.
  static constexpr int64_t step_ms_max = 60'000;
  /// A jumped clock is believed again after it has gone on steadily for this
  /// long, by the monotonic clock.
  static constexpr int64_t steady_ms = 3'600'000;

  /// Looks at both clocks; false while the wall clock is not to be trusted.
  /// Call it now and then, at least as often as it matters.
  [[nodiscard]] bool trusts(int64_t wall_ms, int64_t monotonic_ms) {
    if (!seen_) {
      seen_ = true;
      jumped_at_ms_ = monotonic_ms - steady_ms;
    } else {
      const auto step = (wall_ms - wall_ms_) - (monotonic_ms - monotonic_ms_);
      if (step > step_ms_max || step < -step_ms_max)
        jumped_at_ms_ = monotonic_ms;
    }
    wall_ms_ = wall_ms;
    monotonic_ms_ = monotonic_ms;
    return monotonic_ms - jumped_at_ms_ >= steady_ms;
  }

private:
  bool seen_ = false;
  int64_t wall_ms_ = 0;
  int64_t monotonic_ms_ = 0;
  int64_t jumped_at_ms_ = 0;
};

} // namespace millrace
