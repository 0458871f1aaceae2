#define CATCH_CONFIG_MAIN
#include "deploy.hpp"
#include "simulation/cluster_fixture.hpp"
#include "word_counter.capnp.h"

#include <catch2/catch.hpp>

using namespace word_counter;
using millrace::actor_address;
using millrace::testing::cluster_fixture;
using namespace std::chrono_literals;

namespace {

using counts = std::map<std::string, std::string>;

void await_counts(cluster_fixture& cluster, const counts& expected) {
  cluster.eventually(
    [&] {
      return cluster.last_values("counts") == expected;
    },
    "that the words are counted");
}

} // namespace

TEST_CASE("words are counted, and the watches hear of it", "[word_counter]") {
  cluster_fixture cluster{3, deploy()};
  cluster.produce("text", {}, "To be, or not to be");
  await_counts(cluster, {{"to", "2"}, {"be", "2"}, {"or", "1"}, {"not", "1"}});
  cluster.expect<TotalQuestion>(counter_name);
  const auto from = cluster.expect<Total>(watch_name, [](Total::Reader total) {
    return total.getWords() == 6 && total.getDistinct() == 4;
  });
  CHECK(from == actor_address{counter_name});
}

TEST_CASE("a counter whose node dies counts on elsewhere", "[word_counter]") {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    cluster_fixture cluster{3, deploy(), {.seed = seed}};
    cluster.produce("text", {}, "one two two");
    const auto first = cluster.await_node_of({counter_name});
    cluster.crash(first);
    cluster.produce("text", {}, "two three");
    await_counts(cluster, {{"one", "1"}, {"two", "3"}, {"three", "1"}});
    CHECK(cluster.await_node_of({counter_name}) != first);
    cluster.restart(first);
    cluster.produce("text", {}, "four");
    await_counts(
      cluster, {{"one", "1"}, {"two", "3"}, {"three", "1"}, {"four", "1"}});
  }
}

TEST_CASE("a counter that is cut off counts nothing twice", "[word_counter]") {
  cluster_fixture cluster{3, deploy()};
  cluster.produce("text", {}, "a b");
  await_counts(cluster, {{"a", "1"}, {"b", "1"}});
  const auto first = cluster.await_node_of({counter_name});
  cluster.isolate(first);
  cluster.eventually(
    [&] {
      return cluster.await_node_of({counter_name}) != first;
    },
    "that another node counts");
  cluster.heal();
  cluster.produce("text", {}, "b c");
  await_counts(cluster, {{"a", "1"}, {"b", "2"}, {"c", "1"}});
}

TEST_CASE("a failure shows what has happened", "[word_counter]") {
  cluster_fixture cluster{3, deploy()};
  try {
    cluster.expect<Total>(
      watch_name,
      [](Total::Reader total) {
        return total.getWords() == 1000;
      },
      2s);
    FAIL("nobody has counted a thousand words");
  } catch (const millrace::testing::expectation_failed& failed) {
    CHECK_THAT(failed.what(),
      Catch::Contains("a message for word_watch")
        && Catch::Contains("gets word_counter/0 -> word_watch/2  Total "
                           "(words = 0, distinct = 0"));
  }
}
