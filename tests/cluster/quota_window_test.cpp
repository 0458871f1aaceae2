#include "cluster/quota_window.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace millrace;

namespace {

constexpr quota_windows kafkas{11, 1'000};

} // namespace

TEST_CASE("a client that begins is measured over all windows but one",
  "[cluster][quota_window]") {
  const std::vector<quota_sample> samples{{100, 5'000}};
  // In the middle of the first window: 10 whole ones and half of this one.
  const auto usage = usage_of(kafkas, samples, 100'500);
  CHECK(usage.amount == 5'000);
  CHECK(usage.over_ms == 10'500);
  CHECK(usage.rate() == Approx(5'000 / 10.5));
}

TEST_CASE("what overlaps the last windows counts, and nothing older",
  "[cluster][quota_window]") {
  const std::vector<quota_sample> samples{
    {88, 1'000}, {89, 20}, {90, 3}, {100, 1}};
  const auto usage = usage_of(kafkas, samples, 100'250);
  // 89 began 11.25 s ago and ended 10.25 s ago.
  CHECK(usage.amount == 24);
  CHECK(usage.over_ms == 11'250);
  CHECK(counts(kafkas, 89, 100'999));
  CHECK_FALSE(counts(kafkas, 88, 100'000));
}

TEST_CASE("nothing used is a rate of zero, also at the first millisecond",
  "[cluster][quota_window]") {
  CHECK(usage_of(kafkas, {}, 0).rate() == 0);
  const quota_windows one{1, 1'000};
  const std::vector<quota_sample> samples{{7, 10}};
  // One window is no whole one: the time since it began, a millisecond at
  // least.
  CHECK(usage_of(one, samples, 7'000).over_ms == 1);
  CHECK(usage_of(one, samples, 7'400).over_ms == 400);
}

TEST_CASE("after the throttle time the same use is at the quota",
  "[cluster][quota_window]") {
  const quota_usage usage{.amount = 30'000, .over_ms = 10'500};
  // 30000 bytes at 1000 a second last for 30 s; 10.5 s of them have passed.
  CHECK(throttle_ms_of(usage, 1'000) == 19'500);
  CHECK(throttle_ms_of({.amount = 30'000, .over_ms = 30'000}, 1'000) == 0);
  CHECK(throttle_ms_of({.amount = 1, .over_ms = 1}, 1e-30) == INT32_MAX);
}

TEST_CASE("a burst as long as the window may be is not throttled",
  "[cluster][quota_window]") {
  const auto most = burst_of(kafkas, 500);
  CHECK(most == 5'000);
  const std::vector<quota_sample> samples{{100, 5'000}};
  CHECK(throttle_ms_of(usage_of(kafkas, samples, 100'000), 500) == 0);
  const std::vector<quota_sample> more{{100, 5'001}};
  CHECK(throttle_ms_of(usage_of(kafkas, more, 100'000), 500) == 2);
}

TEST_CASE("a client that waits as it is told comes to the rate of its quota",
  "[cluster][quota_window]") {
  std::vector<quota_sample> samples(1'000'000);
  constexpr int64_t bytes = 16'384;
  constexpr double rate = 100'000;
  int64_t now = 1'000'000;
  int64_t sent = 0;
  const auto end = now + 120'000;
  while (now < end) {
    auto& sample = samples[static_cast<size_t>(quota_window_at(kafkas, now))];
    sample.window = quota_window_at(kafkas, now);
    sample.amount += bytes;
    sent += bytes;
    const auto first = static_cast<size_t>(sample.window) - 12;
    const auto wait = throttle_ms_of(
      usage_of(kafkas, std::span{samples}.subspan(first, 13), now), rate);
    now += std::max<int64_t>(wait, 1);
  }
  // 120 s at the quota; the burst at the beginning is 10 s more at most.
  CHECK(static_cast<double>(sent) > 0.95 * rate * 120);
  CHECK(static_cast<double>(sent) < 1.10 * rate * 120);
}
