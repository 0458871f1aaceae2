#include "cluster/wall_clock_check.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

TEST_CASE("R19: a steady wall clock is trusted from the beginning",
  "[cluster][wall_clock_check]") {
  wall_clock_check check;
  CHECK(check.trusts(1'000'000, 0));
  CHECK(check.trusts(1'005'000, 5'000));
}

TEST_CASE("R19: a jump that the monotonic clock did not see is distrusted "
          "until the clock has been steady for an hour",
  "[cluster][wall_clock_check]") {
  wall_clock_check check;
  REQUIRE(check.trusts(0, 0));
  const int64_t day = 24 * 3'600'000;
  CHECK_FALSE(check.trusts(day, 5'000));
  CHECK_FALSE(check.trusts(day + 3'590'000, 3'595'000));
  CHECK(check.trusts(day + 3'605'000, 3'605'000 + 5'000));
}

TEST_CASE(
  "R19: a jump back is distrusted as well", "[cluster][wall_clock_check]") {
  wall_clock_check check;
  REQUIRE(check.trusts(10'000'000, 0));
  CHECK_FALSE(check.trusts(1'000'000, 5'000));
}

TEST_CASE("R19: a drift of seconds is no jump", "[cluster][wall_clock_check]") {
  wall_clock_check check;
  REQUIRE(check.trusts(0, 0));
  CHECK(check.trusts(35'000, 5'000));
}
