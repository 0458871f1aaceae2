#include "cluster/share_window.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace millrace;

namespace {

share_run delivered(int16_t times) {
  share_run run;
  run.deliveries = times;
  return run;
}

} // namespace

TEST_CASE(
  "neighbours that are alike become one run", "[cluster][share_window]") {
  share_window window;
  window.assign(0, 4, delivered(1));
  window.assign(10, 14, delivered(1));
  CHECK(window.all().size() == 2);
  window.assign(5, 9, delivered(1));
  REQUIRE(window.all().size() == 1);
  CHECK(window.all().begin()->second.last == 14);
}

TEST_CASE(
  "a change of some records cuts their run", "[cluster][share_window]") {
  share_window window;
  window.assign(0, 9, delivered(1));
  window.change(3, 5, [](share_run& run) {
    run.deliveries = 2;
  });
  CHECK(window.all().size() == 3);
  CHECK(window.at_or_after(4)->first == 3);
  CHECK(window.at_or_after(6)->first == 6);
  CHECK(window.at_or_after(10) == window.all().end());
  window.erase_if(2, 6, [](const share_run& run) {
    return run.deliveries == 1;
  });
  CHECK(window.all().size() == 3); // 0-1, 3-5, 7-9
  CHECK(window.at_or_after(2)->first == 3);
}

TEST_CASE(
  "runs are what each record by itself would be", "[cluster][share_window]") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random{seed};
    const auto below = [&](int64_t bound) {
      return std::uniform_int_distribution<int64_t>{0, bound - 1}(random);
    };
    share_window window;
    std::map<int64_t, share_run> each;
    for (int step = 0; step < 300; ++step) {
      const auto first = below(40);
      const auto last = first + below(10);
      const auto times = static_cast<int16_t>(below(3));
      switch (below(3)) {
      case 0:
        window.assign(first, last, delivered(times));
        for (auto at = first; at <= last; ++at)
          each[at] = delivered(times);
        break;
      case 1:
        window.change(first, last, [&](share_run& run) {
          run.deliveries = times;
        });
        for (auto& [at, run] : each)
          if (at >= first && at <= last)
            run.deliveries = times;
        break;
      default:
        window.erase_if(first, last, [&](const share_run& run) {
          return run.deliveries == times;
        });
        std::erase_if(each, [&](const auto& entry) {
          return entry.first >= first && entry.first <= last
                 && entry.second.deliveries == times;
        });
      }
      std::map<int64_t, share_run> unfolded;
      int64_t end = -1;
      const share_run* before = nullptr;
      for (const auto& [at, held] : window.all()) {
        REQUIRE(at >= end);
        if (at == end)
          REQUIRE_FALSE(*before == held.run); // else they were one
        for (auto o = at; o <= held.last; ++o)
          unfolded[o] = held.run;
        end = held.last + 1;
        before = &held.run;
      }
      REQUIRE(unfolded == each);
    }
  }
}
