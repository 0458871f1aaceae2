#include "storage/live_offsets.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

using namespace millrace;

TEST_CASE("a range knows what was noted in it", "[storage][live_offsets]") {
  live_offsets live;
  live.reset(offset{1000}, offset{1300});
  CHECK_FALSE(live.any_within(offset{1000}, offset{1299}));
  live.note(offset{1064});
  CHECK(live.any_within(offset{1064}, offset{1064}));
  CHECK(live.any_within(offset{1000}, offset{1299}));
  CHECK_FALSE(live.any_within(offset{1000}, offset{1063}));
  CHECK_FALSE(live.any_within(offset{1065}, offset{1299}));
  live.note(offset{1299});
  CHECK(live.any_within(offset{1299}, offset{1299}));
  CHECK_FALSE(live.any_within(offset{1065}, offset{1298}));
  live.reset(offset{0}, offset{0});
}

TEST_CASE(
  "a set of offsets is told as it is, or as more", "[storage][live_offsets]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 rng{seed};
  // Up to a million offsets each has its own bit.
  const auto count = GENERATE(int64_t{500}, int64_t{1} << 19, int64_t{1} << 33);
  const bool exact = count < int64_t{1} << 20;
  live_offsets live;
  live.reset(offset{7}, offset{7 + count});
  std::set<int64_t> noted;
  const auto any = [&] {
    return 7 + static_cast<int64_t>(rng() % static_cast<uint64_t>(count));
  };
  for (int i = 0; i < 40; ++i) {
    noted.insert(any());
    live.note(offset{*noted.rbegin()});
  }
  for (const auto at : noted)
    live.note(offset{at});
  for (int i = 0; i < 2000; ++i) {
    const auto first = any();
    const auto last
      = std::min(7 + count - 1, first + static_cast<int64_t>(rng() % 300));
    const auto next = noted.lower_bound(first);
    const bool there = next != noted.end() && *next <= last;
    CAPTURE(first, last);
    if (exact)
      CHECK(live.any_within(offset{first}, offset{last}) == there);
    else if (there)
      CHECK(live.any_within(offset{first}, offset{last}));
  }
}
