#include "simulation/sim_cluster.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

bool all_run(sim_cluster& c) {
  for (int32_t i = 0; i < c.size(); ++i)
    if (!c.node(i).running() || c.node(i).paused())
      return false;
  return true;
}

/// Nodes that are ended in every way, at any moment.
uint64_t eventful_run(uint64_t seed) {
  sim_world world{seed};
  sim_cluster c{world, {.nodes = 3}};
  c.start_all();
  for (int round = 0; round < 8; ++round) {
    c.run_for(static_cast<sim_time>(world.random(500 * sim_ms)));
    const auto who = static_cast<int32_t>(world.random(3));
    switch (world.random(6)) {
    case 0:
      c.end(who, sim_end::kill);
      break;
    case 1:
      c.end_after(who, 1 + world.random(20), sim_end::power_loss);
      break;
    case 2:
      c.end_in_disk_operation(
        who, 1 + world.random(20), sim_end::torn_power_loss);
      break;
    case 3:
      c.end_in_next_start(who, 1 + world.random(20));
      c.end(who, sim_end::torn_power_loss);
      break;
    case 4:
      c.pause(who, static_cast<sim_time>(world.random(2 * sim_second)),
        world.random(2) == 0);
      break;
    default:
      c.end_all(sim_end::power_loss);
    }
  }
  REQUIRE(c.run_until(
    [&] {
      return all_run(c);
    },
    10 * sim_second));
  INFO(c.failure());
  REQUIRE(c.failure().empty());
  CHECK(c.starts() > 3);
  return c.trace_hash();
}

} // namespace

TEST_CASE("nodes that are ended at any step of theirs come back",
  "[simulation][sim_cluster]") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    eventful_run(seed);
  }
}

TEST_CASE(
  "a cluster's trace follows from its seed", "[simulation][sim_cluster]") {
  const auto first = eventful_run(5);
  for (int i = 0; i < 10; ++i)
    REQUIRE(eventful_run(5) == first);
  CHECK(eventful_run(6) != first);
}

TEST_CASE("a node ends between the two messages that were named",
  "[simulation][sim_cluster]") {
  sim_world world{1};
  sim_cluster c{world, {.nodes = 3}};
  c.start_all();
  REQUIRE(c.run_until(
    [&] {
      return all_run(c);
    },
    sim_second));
  const auto before = c.node(1).steps();
  c.end_after(1, 3, sim_end::kill);
  REQUIRE(c.run_until(
    [&] {
      return !c.node(1).running();
    },
    10 * sim_second));
  CHECK(c.node(1).steps() == before + 3);
}

TEST_CASE("a power loss in the middle of a start leaves a node that starts",
  "[simulation][sim_cluster]") {
  for (uint64_t operation = 1; operation <= 40; ++operation) {
    CAPTURE(operation);
    sim_world world{operation};
    sim_cluster c{world, {.nodes = 3}};
    c.end_in_next_start(0, operation);
    c.start_all();
    c.run_for(5 * sim_second);
    REQUIRE(c.failure().empty());
    REQUIRE(c.node(0).running());
  }
}

TEST_CASE("a paused node does nothing, and then what it has missed",
  "[simulation][sim_cluster]") {
  sim_world world{1};
  sim_cluster c{world, {.nodes = 3}};
  c.start_all();
  c.run_for(1 * sim_second);
  const bool missed = GENERATE(true, false);
  c.pause(2, 60 * sim_second, missed);
  const auto before = c.node(2).steps();
  c.run_for(59 * sim_second);
  CHECK(c.node(2).steps() == before);
  c.run_for(10 * sim_second);
  CHECK(c.node(2).steps() > before);
  CHECK(!c.node(2).paused());
}

TEST_CASE("a node that is to stay down does, until it is started",
  "[simulation][sim_cluster]") {
  sim_world world{1};
  sim_cluster c{world, {.nodes = 3}};
  c.start_all();
  c.run_for(1 * sim_second);
  c.keep_down(0);
  c.end(0, sim_end::kill);
  c.run_for(10 * sim_second);
  CHECK(!c.node(0).running());
  c.start(0);
  c.run_for(1 * sim_second);
  CHECK(c.node(0).running());
}

TEST_CASE("all nodes find one another, those that are no controllers too",
  "[simulation][sim_cluster]") {
  sim_world world{1};
  sim_cluster c{world, {.nodes = 6, .controllers = 3}};
  c.start_all();
  const auto all_meet = [&] {
    for (int32_t a = 0; a < c.size(); ++a)
      for (int32_t b = 0; b < c.size(); ++b)
        if (a != b
            && c.network().seen_by(sim_cluster::id_of(a), sim_cluster::id_of(b))
                 != link_state::up)
          return false;
    return true;
  };
  CHECK(c.run_until(all_meet, 10 * sim_second));
}
