#include "cluster/client_view.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

/// This node is 1; a client has reached it at 127.0.0.1:19092.
client_view view() {
  client_view v;
  v.self = {1};
  v.host = "127.0.0.1";
  v.port = 19092;
  return v;
}

broker_registration broker(int32_t id, std::vector<broker_endpoint> endpoints) {
  broker_registration b;
  b.id = {id};
  b.endpoints = std::move(endpoints);
  return b;
}

const broker_endpoint among_nodes{cluster_listener_name, "ten.example", 7000};

/// Node 1 and node 2, which leads.
metadata_image two_brokers(bool fenced) {
  metadata_image image;
  image.apply(cluster_created{"cluster"}, 0, 1);
  for (const int32_t id : {1, 2}) {
    broker_registered r;
    r.id = {id};
    r.endpoints
      = {{"PLAINTEXT", "", static_cast<uint16_t>(9090 + id), 0}, among_nodes};
    r.rack = "r" + std::to_string(id);
    r.broker_epoch = id;
    r.fenced = fenced && id == 2;
    image.apply(r, id, 1);
  }
  return image;
}

partition_registration led_by(int32_t id) {
  partition_registration p;
  p.leader = {id};
  p.epoch = leader_epoch{7};
  return p;
}

} // namespace

TEST_CASE("another node that advertises nothing is at its cluster address's "
          "host, with its Kafka port",
  "[cluster][client_view]") {
  const auto other = broker(2, {{"PLAINTEXT", "", 9092, 0}, among_nodes});
  CHECK(address_of(other, view()) == client_address{"ten.example", 9092});
}

TEST_CASE("this node is where the client reached it, if it advertises nothing",
  "[cluster][client_view]") {
  const client_address used{"127.0.0.1", 19092};
  CHECK(address_of(broker(1, {{"PLAINTEXT", "", 9092, 0}, among_nodes}), view())
        == used);
  CHECK(address_of(broker(1, {among_nodes}), view()) == used);
  CHECK(address_of(broker(1, {}), view()) == used);
}

TEST_CASE("what a node advertises is told, of this node too",
  "[cluster][client_view]") {
  const std::vector<broker_endpoint> endpoints{
    among_nodes, {"PLAINTEXT", "told.example", 1, 0}};
  for (const int32_t id : {1, 2})
    CHECK(address_of(broker(id, endpoints), view())
          == client_address{"told.example", 1});
}

TEST_CASE("the listener of the nodes is never told to a client",
  "[cluster][client_view]") {
  CHECK_FALSE(address_of(broker(2, {among_nodes}), view()));
  auto inside = view();
  inside.listener = "INSIDE";
  CHECK(address_of(broker(2, {among_nodes, {"OUTSIDE", "out", 2, 0}}), inside)
        == client_address{"out", 2});
}

TEST_CASE("a broker that has not said where it is has no address",
  "[cluster][client_view]") {
  CHECK_FALSE(address_of(broker(2, {}), view()));
  CHECK_FALSE(address_of(broker(2, {{"PLAINTEXT", "", 9092, 0}}), view()));
}

TEST_CASE("a leader is told with its epoch, address and rack",
  "[cluster][client_view]") {
  const auto leader = leader_of(led_by(2), view(), two_brokers(false));
  CHECK(leader.id == node_id{2});
  CHECK(leader.epoch == leader_epoch{7});
  CHECK(leader.address == client_address{"ten.example", 9092});
  CHECK(leader.rack == "r2");
}

TEST_CASE("a leader that is fenced or gone is none", "[cluster][client_view]") {
  for (const auto& leader : {leader_of(led_by(2), view(), two_brokers(true)),
         leader_of(led_by(3), view(), two_brokers(false)),
         leader_of(led_by(-1), view(), two_brokers(false))}) {
    CHECK(leader.id == no_node);
    CHECK(leader.epoch == leader_epoch{7});
    CHECK_FALSE(leader.address);
  }
}
