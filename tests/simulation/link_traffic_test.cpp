// What docs/scale.md says of a cluster in which nothing happens.

#include "simulation/fixture_client.hpp"
#include "simulation/link_traffic.hpp"
#include "simulation/sim_cluster.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// What an idle cluster says in five seconds.
link_traffic idle(int32_t nodes, int32_t partitions) {
  sim_world world{7};
  sim_cluster cluster{
    world, {.nodes = nodes, .settings = {{"default.replication.factor", "3"}}}};
  testing::fixture_client client{
    cluster, [&](const auto& condition, const std::string& what) {
      INFO(what);
      REQUIRE(cluster.run_until(condition, 60 * sim_second));
    }};
  cluster.start_all();
  cluster.run_for(3 * sim_second);
  if (partitions > 0) {
    client.create_topic("topic", partitions);
    cluster.run_for(5 * sim_second);
  }
  link_traffic heard;
  cluster.network().on_arrival
    = [&](node_id from, node_id to, const envelope& message) {
        heard.note(from, to, message);
      };
  cluster.run_for(5 * sim_second);
  cluster.network().on_arrival = nullptr;
  return heard;
}

double per_second(const link_traffic& heard) {
  return static_cast<double>(heard.total().messages) / 5;
}

} // namespace

TEST_CASE("an idle cluster says what the formula has, however many nodes",
  "[simulation][link_traffic]") {
  for (const int32_t nodes : {3, 5, 12}) {
    CAPTURE(nodes);
    const auto heard = idle(nodes, 0);
    CHECK(per_second(heard)
          == Approx(idle_rates_of(nodes, 3).counted()).epsilon(0.02));
    CHECK(heard.of(traffic_kind::broker_heartbeat).messages > 0);
  }
}

TEST_CASE("idle partitions say nothing, however many there are",
  "[simulation][link_traffic]") {
  for (const int32_t partitions : {1, 300}) {
    CAPTURE(partitions);
    const auto heard = idle(5, partitions);
    CHECK(
      per_second(heard) == Approx(idle_rates_of(5, 3).counted()).epsilon(0.02));
    for (const auto kind : {traffic_kind::replica_fetch,
           traffic_kind::replica_answer, traffic_kind::replica_nudge})
      CHECK(heard.of(kind).messages == 0);
  }
}
