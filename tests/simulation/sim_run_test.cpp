#include "simulation/sim_run.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>

using namespace millrace;

namespace {

bool is_long() {
  return std::getenv("MILLRACE_LONG") != nullptr;
}

} // namespace

TEST_CASE("the same seed gives the same trace, a hundred times",
  "[simulation][sim_run]") {
  const auto first = run_simulation({.seed = 42, .operations = 150});
  CHECK(first.failure.empty());
  for (int i = 1; i < 100; ++i) {
    const auto again = run_simulation({.seed = 42, .operations = 150});
    REQUIRE(to_string(again) == to_string(first));
  }
}

TEST_CASE("two seeds give two traces", "[simulation][sim_run]") {
  const auto one = run_simulation({.seed = 1, .operations = 100});
  const auto other = run_simulation({.seed = 2, .operations = 100});
  CHECK(one.trace != other.trace);
}

TEST_CASE("a node that loses its power, is killed and loses connections keeps "
          "what it acknowledged",
  "[simulation][sim_run]") {
  const uint64_t seeds = is_long() ? 500 : 25;
  const uint64_t operations = 2000;
  uint64_t crashes = 0;
  uint64_t kills = 0;
  uint64_t disconnects = 0;
  uint64_t failed_syncs = 0;
  uint64_t full_disks = 0;
  uint64_t clock_jumps = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto report
      = run_simulation({.seed = seed, .operations = operations});
    INFO(to_string(report));
    REQUIRE(report.ok());
    // A node that refuses everything would break no other rule.
    REQUIRE(report.acknowledged >= operations);
    crashes += report.crashes;
    kills += report.kills;
    disconnects += report.disconnects;
    failed_syncs += report.failed_syncs;
    full_disks += report.full_disks;
    clock_jumps += report.clock_jumps;
  }
  // A run of 2,000 operations lasts some five virtual seconds and meets
  // about one fault each second.
  CHECK(crashes >= seeds / 2);
  CHECK(kills >= seeds / 5);
  CHECK(disconnects >= seeds / 5);
  CHECK(failed_syncs >= seeds / 5);
  CHECK(full_disks >= seeds / 5);
  CHECK(clock_jumps >= seeds / 5);
}

TEST_CASE("the last line of a run says what it was and how it ended",
  "[simulation][sim_run]") {
  sim_report report;
  report.seed = 7;
  report.acknowledged = 12;
  report.events = 99;
  report.virtual_ms = 2500;
  report.trace = 0xabc;
  CHECK(to_string(report)
        == "seed 7 nodes 1 ops 12 events 99 virtual 2500ms trace "
           "0000000000000abc ok");
  report.failure = "nothing acknowledged is lost: p1-1";
  CHECK(to_string(report)
        == "seed 7 nodes 1 ops 12 events 99 virtual 2500ms trace "
           "0000000000000abc FAILED invariant: nothing acknowledged is lost: "
           "p1-1");
}
