#include "simulation/sim_history.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

// What judges the whole of it has tests of its own: history_test.cpp.

TEST_CASE("what was sent, acknowledged and read is judged at the end",
  "[simulation][sim_history]") {
  sim_history all;
  const auto a = all.sent(0, 1, "a", 10);
  all.sent(0, 1, "b", 20);
  all.acknowledged(a, 0, 15);
  const auto run = all.begin_run();
  SECTION("and passes without a contradiction") {
    all.read(run, 0, 0, "a");
    all.read(run, 0, 1, "b"); // sent, and never acknowledged
    all.finish(run);
    CHECK(all.failure().empty());
  }
  SECTION("and what is missing is found") {
    all.finish(run);
    CHECK_THAT(all.failure(), Catch::Contains("not there at the end"));
  }
  SECTION("and a spoiled value is found") {
    all.read(run, 0, 0, "A");
    all.finish(run);
    CHECK_FALSE(all.failure().empty());
  }
}

TEST_CASE("a commit that is older than the acknowledged one is found",
  "[simulation][sim_history]") {
  sim_history all;
  all.committed(5);
  all.check_committed(4, 6);
  CHECK_FALSE(all.failure().empty());
}

TEST_CASE("a commit that nobody sent is found", "[simulation][sim_history]") {
  sim_history all;
  all.check_committed(7, 6);
  CHECK_FALSE(all.failure().empty());
}
