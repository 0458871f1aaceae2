#include "cluster/quota_window.hpp"

#include <algorithm>
#include <cmath>

namespace millrace {

namespace {

constexpr double ms_a_second = 1'000;
/// Longer waits are the same to everyone, and fit the answer's field.
constexpr double wait_ms_max = INT32_MAX;

} // namespace

double quota_usage::rate() const {
  return static_cast<double>(amount) * ms_a_second
         / static_cast<double>(over_ms);
}

quota_usage usage_of(const quota_windows& windows,
  std::span<const quota_sample> samples, int64_t now_ms) {
  quota_usage usage;
  const auto now = quota_window_at(windows, now_ms);
  auto oldest = now;
  for (const auto& sample : samples) {
    if (!counts(windows, sample.window, now_ms) || sample.window > now)
      continue;
    usage.amount += sample.amount;
    if (sample.amount != 0)
      oldest = std::min(oldest, sample.window);
  }
  const auto full = now - oldest;
  const auto counted = std::max<int64_t>(full, windows.count - 1);
  usage.over_ms = std::max<int64_t>(
    counted * windows.length_ms + now_ms % windows.length_ms, 1);
  return usage;
}

int64_t throttle_ms_of(const quota_usage& usage, double rate) {
  const auto over = usage.rate() - rate;
  if (over <= 0)
    return 0;
  const auto wait_ms = over / rate * static_cast<double>(usage.over_ms);
  return std::llround(std::min(wait_ms, wait_ms_max));
}

double burst_of(const quota_windows& windows, double rate) {
  return rate * static_cast<double>(windows.count - 1)
         * static_cast<double>(windows.length_ms) / ms_a_second;
}

} // namespace millrace
