// A cluster whose nodes come and go, and which balances itself.

#include "simulation/cluster_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace millrace;
using millrace::testing::cluster_fixture;
using namespace std::chrono_literals;

namespace {

constexpr int32_t partitions = 8;

/// Of four nodes the last one is away when the topic is made.
struct three_of_four {
  cluster_fixture cluster;
  std::set<std::string> written;

  three_of_four(uint64_t seed, const std::string& mode)
      : cluster(4, {},
          {.seed = seed,
            .settings = {
              {"auto.rebalance", mode}, {"auto.rebalance.delay.ms", "3000"}}}) {
    cluster.crash(4);
    cluster.run_for(3s);
    cluster.create_topic("t", partitions);
    for (int32_t i = 0; i < 40; ++i)
      write(i % partitions);
    CHECK(held_by(4) == 0);
  }
  void write(int32_t partition) {
    const auto value = std::to_string(written.size());
    cluster.produce("t", {}, value, partition);
    written.insert(value);
  }
  int held_by(int32_t node) {
    int count = 0;
    for (int32_t i = 0; i < partitions; ++i) {
      const auto replicas = cluster.replicas_of("t", i);
      count
        += static_cast<int>(std::count(replicas.begin(), replicas.end(), node));
    }
    return count;
  }
  /// Whether each node holds a quarter of the replicas, and no more move.
  bool is_even() {
    for (int32_t node = 1; node <= 4; ++node)
      if (held_by(node) != 3 * partitions / 4)
        return false;
    return true;
  }
  void check_nothing_lost() {
    std::multiset<std::string> read;
    for (const auto& record : cluster.consume("t"))
      read.insert(*record.value);
    CHECK(read == std::multiset<std::string>(written.begin(), written.end()));
  }
};

} // namespace

TEST_CASE("a node that joins gets its share by itself, under load, and nothing "
          "that was acknowledged is lost",
  "[simulation][auto_rebalance]") {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    three_of_four run{seed, "apply"};
    run.cluster.restart(4);
    // Not before it has been there for a while.
    run.cluster.run_for(2s);
    CHECK(run.held_by(4) == 0);
    int32_t next = 0;
    run.cluster.eventually(
      [&] {
        run.write(next++ % partitions);
        return run.is_even();
      },
      "that every node has its share", 120s);
    run.cluster.await_in_sync();
    CHECK(run.is_even());
    run.check_nothing_lost();
  }
}

TEST_CASE("a node that goes in the middle of it takes its moves back, and gets "
          "its share when it returns",
  "[simulation][auto_rebalance]") {
  for (uint64_t seed = 11; seed <= 15; ++seed) {
    CAPTURE(seed);
    three_of_four run{seed, "apply"};
    run.cluster.restart(4);
    run.cluster.until(
      [&] {
        return run.held_by(4) > 0;
      },
      "that something is moved");
    run.cluster.crash(4);
    run.write(0);
    run.cluster.run_for(10s);
    run.cluster.restart(4);
    run.cluster.eventually(
      [&] {
        return run.is_even();
      },
      "that every node has its share", 120s);
    run.cluster.await_in_sync();
    run.check_nothing_lost();
  }
}

TEST_CASE(
  "a cluster that only plans moves nothing", "[simulation][auto_rebalance]") {
  three_of_four run{21, "plan"};
  run.cluster.restart(4);
  run.cluster.run_for(30s);
  CHECK(run.held_by(4) == 0);
  run.check_nothing_lost();
}
