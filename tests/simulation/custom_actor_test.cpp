#include "schema/custom.capnp.h"
#include "simulation/cluster_fixture.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <random>
#include <stdexcept>

using namespace millrace;
using millrace::testing::cluster_fixture;
using millrace::testing::expectation_failed;
using namespace std::chrono_literals;

namespace {

// Any struct does as a message of a test.
using note = wire::WaitingWrite;

/// Adds up how many records it has read, and says each sum.
class summer : public custom_actor {
public:
  using custom_actor::custom_actor;

  void on_start() override {
    context().read("in");
  }
  void on_record(const topic_record& record) override {
    if (record.value == "boom" && !std::exchange(exploded, true))
      throw std::runtime_error{"boom"};
    const auto known = context().state().get("sum");
    const auto sum = std::to_string((known ? std::stoi(*known) : 0) + 1);
    context().state().put("sum", sum);
    context().write({.topic = "out", .key = "sum", .value = sum});
  }

  static inline bool exploded = true;
};

/// Writes what it has read, with its own address.
class copier : public custom_actor {
public:
  using custom_actor::custom_actor;

  void on_start() override {
    context().read("in");
  }
  void on_record(const topic_record& record) override {
    context().write({.topic = "out",
      .key = record.value,
      .value = to_string(context().self())
               + (record.partition % 3 == context().self().instance
                    ? ""
                    : " reads another one's partition")});
  }
};

/// Tells the one placed actor of each node that comes or goes.
class lookout : public custom_actor {
public:
  using custom_actor::custom_actor;

  void on_node(const node_change& change) override {
    context().send<note>({"desk"}, [&](note::Builder n) {
      n.setTopic(change.is_up ? "up" : "down");
      n.setPartition(change.node.value);
    });
  }
};

class desk : public custom_actor {
public:
  using custom_actor::custom_actor;
};

/// Wants what only those have that the cluster places.
class forgetful : public custom_actor {
public:
  using custom_actor::custom_actor;

  void on_start() override {
    std::string why = "nothing";
    try {
      context().state().put("a", "b");
    } catch (const std::logic_error& e) {
      why = e.what();
    }
    context().send<note>(context().self(), [&](note::Builder n) {
      n.setTopic(why);
    });
  }
};

std::vector<std::string> values(
  cluster_fixture& cluster, const std::string& topic) {
  std::vector<std::string> found;
  for (const auto& record : cluster.consume(topic))
    found.push_back(record.value.value_or(""));
  return found;
}

custom_deployments one_summer() {
  custom_deployments actors;
  actors.place<summer>("summer");
  return actors;
}

} // namespace

TEST_CASE("an actor that throws begins anew from its state",
  "[simulation][custom_actor]") {
  summer::exploded = false;
  cluster_fixture cluster{3, one_summer()};
  for (const auto* value : {"a", "b", "boom", "c"})
    cluster.produce("in", {}, value);
  cluster.eventually([&] {
    return cluster.last_values("out")["sum"] == "4";
  });
  CHECK(summer::exploded);
}

TEST_CASE("every record is part of the state once, whatever befalls the nodes",
  "[simulation][custom_actor]") {
  // MILLRACE_SEED=N shows all of that one.
  const auto* one = std::getenv("MILLRACE_SEED");
  const uint64_t first = one != nullptr ? std::stoull(one) : 1;
  const uint64_t last = one != nullptr                            ? first
                        : std::getenv("MILLRACE_LONG") != nullptr ? 3000
                                                                  : 40;
  for (uint64_t seed = first; seed <= last; ++seed) {
    CAPTURE(seed);
    cluster_fixture cluster{
      3, one_summer(), {.seed = seed, .show_logs = one != nullptr}};
    constexpr int records = 30;
    std::mt19937_64 dice{seed};
    if (seed % 2 == 0)
      cluster.disturb();
    // One fault at a time: of three replicas two must be there, and whoever
    // was the last in sync must not be away.
    int32_t away = 0;
    bool whole = true;
    for (int i = 0; i < records; ++i) {
      cluster.produce("in", {}, std::to_string(i));
      const auto node = static_cast<int32_t>(1 + dice() % 3);
      const auto counting = cluster.node_of({"summer"}).value_or(node);
      const auto what = dice() % 8;
      if (away != 0 || !whole) {
        if (what < 4)
          continue;
        if (away != 0)
          cluster.restart(std::exchange(away, 0));
        cluster.heal();
        whole = true;
        cluster.await_in_sync();
        if (seed % 2 == 0)
          cluster.disturb();
      } else if (what == 0) {
        cluster.crash(away = counting);
      } else if (what == 1) {
        cluster.kill(away = node);
      } else if (what == 2) {
        cluster.pause(counting, 3s);
        whole = false;
      } else if (what == 3) {
        cluster.isolate(counting);
        whole = false;
      }
      cluster.run_for(std::chrono::milliseconds{dice() % 1500});
    }
    if (away != 0)
      cluster.restart(away);
    cluster.heal();
    cluster.eventually(
      [&] {
        return cluster.last_values("out")["sum"] == std::to_string(records);
      },
      "that all records are counted", 60s);
    cluster.run_for(20s);
    // Each sum came first after the one before; what came again is old.
    int highest = 0;
    const auto sums = values(cluster, "out");
    for (const auto& text : sums) {
      const auto sum = std::stoi(text);
      CHECK(sum <= highest + 1);
      highest = std::max(highest, sum);
    }
    CHECK(highest == records);
    CHECK(sums.back() == std::to_string(records));
  }
}

TEST_CASE("instances share what they read", "[simulation][custom_actor]") {
  custom_deployments actors;
  actors.place<copier>("copier", 3);
  cluster_fixture cluster{3, actors};
  cluster.create_topic("in", 7);
  std::map<std::string, std::string> expected;
  for (int32_t i = 0; i < 21; ++i) {
    cluster.produce("in", {}, std::to_string(i), i % 7);
    expected[std::to_string(i)] = "copier/" + std::to_string(i % 7 % 3);
  }
  cluster.eventually([&] {
    return cluster.last_values("out").size() == expected.size();
  });
  CHECK(cluster.last_values("out") == expected);
  CHECK(cluster.consume("out").size() == expected.size());
}

TEST_CASE("a state's log says no more than it must, for long",
  "[simulation][custom_actor]") {
  cluster_fixture cluster{3, one_summer()};
  for (int i = 1; i <= 60; ++i)
    cluster.produce("in", {}, "x");
  const auto first = cluster.await_node_of({"summer"});
  cluster.eventually([&] {
    return cluster.last_values("out")["sum"] == "60";
  });
  const auto log = cluster.consume("__actor-summer");
  REQUIRE_FALSE(log.empty());
  CHECK(log.front().offset > 0);
  CHECK(log.size() < 60);
  cluster.crash(first);
  cluster.produce("in", {}, "x");
  cluster.eventually([&] {
    return cluster.last_values("out")["sum"] == "61";
  });
}

TEST_CASE(
  "actors hear of nodes that go and come", "[simulation][custom_actor]") {
  custom_deployments actors;
  actors.place<desk>("desk");
  actors.on_every_node<lookout>("lookout");
  cluster_fixture cluster{3, actors};
  const auto there = cluster.await_node_of({"desk"});
  const auto gone = there % 3 + 1;
  const auto is = [gone](const char* what) {
    return [=](note::Reader n) {
      return n.getPartition() == gone && n.getTopic() == what;
    };
  };
  cluster.kill(gone);
  CHECK(cluster.expect<note>("desk", is("down")).name == "lookout");
  cluster.restart(gone);
  cluster.expect<note>("desk", is("up"));
  CHECK_THROWS_AS(
    cluster.expect<note>("desk", is("down"), 3s), expectation_failed);
}

TEST_CASE("an actor on every node has no state that outlives it",
  "[simulation][custom_actor]") {
  custom_deployments actors;
  actors.on_every_node<forgetful>("forgetful");
  cluster_fixture cluster{1, actors};
  const auto from = cluster.expect<note>("forgetful", [](note::Reader n) {
    return n.getTopic()
           == "an actor that runs on every node has no state that outlives "
              "it";
  });
  CHECK(from == actor_address{"forgetful", 1});
}

TEST_CASE("a cluster with actors is the same for the same seed",
  "[simulation][custom_actor]") {
  const auto run = [](uint64_t seed) {
    cluster_fixture cluster{3, one_summer(), {.seed = seed}};
    cluster.produce("in", {}, "x");
    cluster.crash(cluster.await_node_of({"summer"}));
    cluster.run_for(3s);
    return cluster.trace_hash();
  };
  const auto first = run(3);
  for (int i = 0; i < 5; ++i)
    REQUIRE(run(3) == first);
  CHECK(run(4) != first);
}

TEST_CASE("a disk whose sync fails and a clock that jumps cost nothing",
  "[simulation][custom_actor]") {
  cluster_fixture cluster{3, one_summer()};
  cluster.produce("in", {}, "x");
  const auto node = cluster.await_node_of({"summer"});
  cluster.clock(node, 1h);
  cluster.disk(node).fail_next_sync();
  for (int i = 0; i < 5; ++i)
    cluster.produce("in", {}, "x");
  cluster.eventually([&] {
    return cluster.last_values("out")["sum"] == "6";
  });
}
