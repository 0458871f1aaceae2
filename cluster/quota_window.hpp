#pragma once

// How much a client has used of a quota lately, and for how long it is to
// wait: Kafka's arithmetic (quota.window.num, quota.window.size.seconds).
//
// Time is cut into windows of equal length, on a grid that is the same for
// all. What falls out of the last quota.window.num of them is forgotten; the
// rate is what is left over the time since the oldest of it, which counts as
// all windows but one at least, so that a client that begins may burst.

#include <cstdint>
#include <span>

namespace millrace {

struct quota_windows {
  int32_t count = 11;
  int64_t length_ms = 1'000;

  friend bool operator==(const quota_windows&, const quota_windows&) = default;
};

/// What was used in one window.
struct quota_sample {
  int64_t window = -1; ///< quota_window_at() some time of it
  int64_t amount = 0;
};

[[nodiscard]] constexpr int64_t quota_window_at(
  const quota_windows& windows, int64_t now_ms) {
  return now_ms / windows.length_ms;
}

/// Whether a sample still counts: its window overlaps the last `count`.
[[nodiscard]] constexpr bool counts(
  const quota_windows& windows, int64_t window, int64_t now_ms) {
  return window >= quota_window_at(windows, now_ms) - windows.count;
}

/// What counts of some samples, and since when.
struct quota_usage {
  int64_t amount = 0;
  int64_t over_ms = 0; ///< at least 1

  [[nodiscard]] double rate() const; ///< a second
};

/// @param samples in any order; those of other times are passed over
[[nodiscard]] quota_usage usage_of(const quota_windows& windows,
  std::span<const quota_sample> samples, int64_t now_ms);

/// For how long to be quiet so that `usage`, over so much more time, is at
/// `rate`; 0 if it is not above it. Precondition: rate > 0.
[[nodiscard]] int64_t throttle_ms_of(const quota_usage& usage, double rate);

/// The most that can be used in one go by somebody who has used nothing
/// lately and is not to wait after it.
[[nodiscard]] double burst_of(const quota_windows& windows, double rate);

} // namespace millrace
