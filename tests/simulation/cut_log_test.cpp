// A node's last image of the metadata may lack what it has logs of.

#include "actors/broker.hpp"
#include "simulation/actor_state.hpp"
#include "simulation/cluster_admin.hpp"
#include "simulation/cluster_producer.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// Null while the node is down.
const broker_state* broker_of(sim_cluster& cluster, int32_t node) {
  return cluster.node(node).running()
           ? state_of<broker_state>(cluster.node(node).core().broker)
           : nullptr;
}

} // namespace

TEST_CASE("a log that was cut is told at the registration, though the node's "
          "last image has not heard of its partition (R10)",
  "[simulation][cut_log]") {
  sim_world world{3};
  sim_cluster cluster{world, {.nodes = 3, .settings = {{"log.dirs", "/data"}}}};
  sim_history history;
  cluster_clients clients{cluster, history};
  clients.partitions = 1;
  cluster_admin admin{clients, 3};
  cluster_producer producer{clients, 0, true};
  const auto await = [&](const std::function<bool()>& condition) {
    REQUIRE(cluster.run_until(condition, 20 * sim_second));
    REQUIRE(history.failure().empty());
  };
  cluster.start_all();
  await([&] {
    const auto* broker = broker_of(cluster, 1);
    return broker != nullptr && broker->registered;
  });
  cluster.run_for(3 * sim_second); // images are saved
  bool is_made = false;
  admin.make_topic(clients.topic, [&] {
    is_made = true;
  });
  await([&] {
    return is_made;
  });
  producer.start();
  await([&] {
    return clients.acknowledged >= 3;
  });
  clients.stopping = true;
  await([&] {
    return producer.idle();
  });
  const std::string log
    = "/data/" + clients.topic + "-0/00000000000000000000.log";
  cluster.damage(1, [&](sim_disks& disks) {
    disks.files.flip_bit(log, 8, 6); // of the first batch's length
  });
  await([&] {
    const auto* broker = broker_of(cluster, 1);
    return broker != nullptr && broker->registered;
  });
  const auto& told = broker_of(cluster, 1)->cut_short;
  REQUIRE(told.size() == 1);
  CHECK(told.front().end == offset{0});
}
