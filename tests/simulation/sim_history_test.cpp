#include "simulation/sim_history.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

// The checker itself is checked: each rule is broken once.

TEST_CASE(
  "a history without contradiction passes", "[simulation][sim_history]") {
  sim_history history;
  history.sent("a");
  history.sent("b");
  history.acknowledged({0, 0}, "a");
  history.read({0, 0}, "a");
  history.read({0, 1}, "b"); // sent, and perhaps never acknowledged
  history.committed(3);
  history.check_committed(3, 5);
  history.check_complete({{{0, 0}, "a"}, {{0, 1}, "b"}});
  CHECK(history.failure().empty());
}

TEST_CASE("an acknowledged record that is not there at the end is found",
  "[simulation][sim_history]") {
  sim_history history;
  history.sent("a");
  history.acknowledged({0, 0}, "a");
  history.check_complete({});
  CHECK(history.failure()
        == "nothing acknowledged is lost: a at partition 0 "
           "offset 0");
}

TEST_CASE(
  "a record that is there twice is found", "[simulation][sim_history]") {
  sim_history history;
  history.sent("a");
  history.acknowledged({0, 0}, "a");
  history.check_complete({{{0, 0}, "a"}, {{0, 1}, "a"}});
  CHECK_FALSE(history.failure().empty());
}

TEST_CASE("two values at one offset are found", "[simulation][sim_history]") {
  sim_history history;
  history.sent("a");
  history.sent("b");
  SECTION("read and read") {
    history.read({1, 7}, "a");
    history.read({1, 7}, "b");
  }
  SECTION("acknowledged and read") {
    history.acknowledged({1, 7}, "a");
    history.read({1, 7}, "b");
  }
  SECTION("read and acknowledged") {
    history.read({1, 7}, "b");
    history.acknowledged({1, 7}, "a");
  }
  CHECK_FALSE(history.failure().empty());
}

TEST_CASE("a value that nobody sent is found", "[simulation][sim_history]") {
  sim_history history;
  history.read({0, 0}, "ghost");
  CHECK_FALSE(history.failure().empty());
}

TEST_CASE(
  "a record that was read and is gone is found", "[simulation][sim_history]") {
  sim_history history;
  history.sent("a");
  history.read({0, 0}, "a");
  history.check_complete({});
  CHECK_FALSE(history.failure().empty());
}

TEST_CASE("a commit that is older than the acknowledged one is found",
  "[simulation][sim_history]") {
  sim_history history;
  history.committed(5);
  history.check_committed(4, 6);
  CHECK_FALSE(history.failure().empty());
}

TEST_CASE("a commit that nobody sent is found", "[simulation][sim_history]") {
  sim_history history;
  history.check_committed(7, 6);
  CHECK_FALSE(history.failure().empty());
}
