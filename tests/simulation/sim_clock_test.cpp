#include "simulation/sim_clock.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE(
  "a clock that drifts shows what has been gained", "[simulation][sim_clock]") {
  sim_clock clock;
  clock.set(10 * sim_second, 500 * sim_second);
  CHECK(clock.at(11 * sim_second) == 501 * sim_second);
  clock.set_drift(11 * sim_second, 1000); // a millisecond each second
  CHECK(clock.at(12 * sim_second) == 502 * sim_second + 1 * sim_ms);
  clock.set_drift(12 * sim_second, -1000);
  CHECK(clock.at(13 * sim_second) == 503 * sim_second);
}

TEST_CASE("a timer is due at the first moment at which the clock shows it",
  "[simulation][sim_clock]") {
  for (const int64_t ppm : {-9999, -1, 0, 1, 7, 9999}) {
    sim_clock clock;
    clock.set(123, 456'789);
    clock.set_drift(123, ppm);
    // Up to a week, which is a broker's retention.
    for (const sim_time shown : {sim_time{0}, sim_time{456'790},
           sim_time{1'000'000'007}, 604'800 * sim_second + 13}) {
      const auto due = clock.when(shown);
      CAPTURE(ppm, shown, due);
      CHECK(clock.at(due) >= shown);
      CHECK((due == 123 || clock.at(due - 1) < shown));
    }
  }
}
