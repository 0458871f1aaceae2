#include "apps/cli/dev_plan.hpp"
#include "apps/cli/serve_options.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace millrace;
using namespace millrace::cli;

namespace {

bool every_port_is_free(uint16_t) {
  return true;
}

std::vector<dev_node> planned(int count, const port_test& is_free) {
  dev_options options;
  options.nodes = count;
  auto nodes = plan_dev_nodes(options, is_free);
  REQUIRE(nodes.ok());
  return *nodes;
}

/// What `serve` makes of a node's words, without their flags' parser.
node_config configured(const std::vector<std::string>& words) {
  serve_options options;
  for (size_t i = 1; i + 1 < words.size(); i += 2) {
    const auto& flag = words[i];
    const auto& value = words[i + 1];
    if (flag == "--node-id")
      options.node_id = value;
    else if (flag == "--data-dir")
      options.data_dir = value;
    else if (flag == "--kafka")
      options.kafka = value;
    else if (flag == "--http")
      options.http = value;
    else if (flag == "--cluster")
      options.cluster = value;
    else if (flag == "--controllers")
      options.controllers = value;
    else if (flag == "--set")
      options.set.push_back(value);
    else
      FAIL("an unknown flag: " + flag);
  }
  const char* const nothing[] = {nullptr};
  auto config = configure_node(options, nothing);
  if (!config)
    FAIL(config.error().context);
  return *config;
}

} // namespace

TEST_CASE("the nodes of one machine have the usual ports in a row",
  "[apps][dev_plan]") {
  const auto nodes = planned(3, every_port_is_free);
  REQUIRE(nodes.size() == 3);
  CHECK(nodes[0].kafka.to_string() == "localhost:9092");
  CHECK(nodes[2].kafka.to_string() == "localhost:9094");
  CHECK(nodes[1].http.port == 8081);
  CHECK(nodes[1].cluster.to_string() == "127.0.0.1:19093");
  CHECK(nodes[2].data_dir == "./data-dev/3");
  CHECK(bootstrap_of(nodes) == "localhost:9092,localhost:9093,localhost:9094");
}

TEST_CASE("a port that is taken is passed over, and none is used twice",
  "[apps][dev_plan]") {
  const auto nodes = planned(3, [](uint16_t port) {
    return port != 9093;
  });
  CHECK(nodes[1].kafka.port == 9094);
  dev_options options;
  options.port = 8080; // where HTTP begins too
  const auto mixed = plan_dev_nodes(options, every_port_is_free);
  REQUIRE(mixed.ok());
  std::set<uint16_t> ports;
  for (const auto& node : *mixed)
    ports.insert({node.kafka.port, node.http.port, node.cluster.port});
  CHECK(ports.size() == 9);
}

TEST_CASE("no free port and no sensible count are told", "[apps][dev_plan]") {
  dev_options options;
  CHECK_FALSE(plan_dev_nodes(options, [](uint16_t) {
    return false;
  }).ok());
  for (const int count : {0, -1, dev_nodes_max + 1}) {
    options.nodes = count;
    CHECK_FALSE(plan_dev_nodes(options, every_port_is_free).ok());
  }
}

TEST_CASE(
  "each node is configured as one of the same cluster", "[apps][dev_plan]") {
  const auto nodes = planned(4, every_port_is_free);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto config = configured(serve_words({}, nodes, i));
    CHECK(config.id.value == static_cast<int32_t>(i + 1));
    CHECK(config.cluster_listener->port == 19092 + i);
    CHECK(config.controllers.size() == 3);
    CHECK(config.default_replication_factor == 3);
    CHECK(config.min_insync_replicas == 2);
  }
}

TEST_CASE("fewer than three nodes have one controller and wait for one copy",
  "[apps][dev_plan]") {
  for (const int count : {1, 2}) {
    const auto config
      = configured(serve_words({}, planned(count, every_port_is_free), 0));
    CHECK(config.controllers.size() == 1);
    CHECK(config.default_replication_factor == count);
    CHECK(config.min_insync_replicas == 1);
  }
}

TEST_CASE("a cluster keeps its id when its ports change", "[apps][dev_plan]") {
  dev_options options;
  options.cluster_id = "AAAAAAAAAAAAAAAAAAAAAQ";
  CHECK(configured(serve_words(options, planned(3, every_port_is_free), 1))
          .cluster_id
        == options.cluster_id);
}

TEST_CASE("what is set for all wins over what dev sets", "[apps][dev_plan]") {
  dev_options options;
  options.set = {"min.insync.replicas=1"};
  CHECK(configured(serve_words(options, planned(3, every_port_is_free), 0))
          .min_insync_replicas
        == 1);
}
