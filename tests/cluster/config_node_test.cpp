#include "cluster/config_node.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

node_config parsed(std::map<std::string, std::string> set) {
  auto node = parse_node_config(set);
  if (!node)
    FAIL(to_string(node.error()));
  return *node;
}

std::string refused(std::map<std::string, std::string> set) {
  const auto node = parse_node_config(set);
  return node ? "" : node.error().context;
}

} // namespace

TEST_CASE("a node without configuration has Kafka's defaults",
  "[cluster][config_node]") {
  const auto node = parsed({});
  CHECK(node.id == node_id{0});
  CHECK(node.log_dirs == std::vector<std::string>{"./data"});
  CHECK(node.listeners
        == std::vector<listener_address>{
          {"PLAINTEXT", "127.0.0.1", 9092}, {"PLAINTEXT", "::1", 9092}});
  CHECK(node.advertised_listeners.empty());
  CHECK(node.http_listeners
        == std::vector<listener_address>{{"PLAINTEXT", "127.0.0.1", 8080}});
  CHECK(node.num_partitions == 1);
  CHECK(node.auto_create_topics);
  CHECK(node.offsets_topic_partitions == 50);
  CHECK(node.offsets_retention_ms == 7ll * 24 * 3600 * 1000);
  CHECK(node.group_initial_rebalance_delay_ms == 3000);
  CHECK(node.request_bytes_max == 100 << 20);
  CHECK(node.fetch_session_slots == 1000);
  CHECK(node.connection_idle_ms_max == 600'000);
  CHECK(node.producer_id_expiration_ms == 86'400'000);
  CHECK(node.lazy_flush_ms == 50);
  CHECK(node.lazy_flush_bytes == 16 << 20);
  CHECK(node.dirty_bytes_max == 256 << 20);
  CHECK(node.offsets_trim_records == 100'000);
  CHECK(node.fetch_bytes_max == 57'671'680);
  CHECK_FALSE(node.rack);
}

TEST_CASE("what is set wins over the default", "[cluster][config_node]") {
  const auto node = parsed({{"node.id", "7"}, {"num.partitions", "12"},
    {"broker.rack", "north"}, {"auto.create.topics.enable", "False"},
    {"log.dirs", "/srv/a, /srv/b"}, {"offsets.retention.minutes", "1"}});
  CHECK(node.id == node_id{7});
  CHECK(node.num_partitions == 12);
  CHECK(node.rack == "north");
  CHECK_FALSE(node.auto_create_topics);
  CHECK(node.log_dirs == std::vector<std::string>{"/srv/a", "/srv/b"});
  CHECK(node.offsets_retention_ms == 60'000);
}

TEST_CASE("the older names of keys are taken too", "[cluster][config_node]") {
  CHECK(parsed({{"broker.id", "4"}}).id == node_id{4});
  CHECK(parsed({{"broker.id", "4"}, {"node.id", "5"}}).id == node_id{5});
  CHECK(parsed({{"log.dir", "/x"}}).log_dirs.front() == "/x");
}

TEST_CASE("the file that Kafka ships for one node is understood",
  "[cluster][config_node]") {
  const auto node = parsed({{"process.roles", "broker,controller"},
    {"node.id", "1"}, {"controller.quorum.bootstrap.servers", "localhost:9093"},
    {"listeners", "PLAINTEXT://:9092,CONTROLLER://:9093"},
    {"inter.broker.listener.name", "PLAINTEXT"},
    {"advertised.listeners",
      "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"},
    {"controller.listener.names", "CONTROLLER"},
    {"listener.security.protocol.map",
      "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL"},
    {"num.network.threads", "3"}, {"num.io.threads", "8"},
    {"socket.send.buffer.bytes", "102400"},
    {"socket.receive.buffer.bytes", "102400"},
    {"socket.request.max.bytes", "104857600"},
    {"log.dirs", "/tmp/kraft-combined-logs"}, {"num.partitions", "1"},
    {"num.recovery.threads.per.data.dir", "2"},
    {"offsets.topic.replication.factor", "1"},
    {"share.coordinator.state.topic.replication.factor", "1"},
    {"share.coordinator.state.topic.min.isr", "1"},
    {"transaction.state.log.replication.factor", "1"},
    {"transaction.state.log.min.isr", "1"}, {"log.retention.hours", "168"},
    {"log.segment.bytes", "1073741824"},
    {"log.retention.check.interval.ms", "300000"}});
  CHECK(
    node.listeners == std::vector<listener_address>{{"PLAINTEXT", "", 9092}});
  CHECK(node.advertised_listeners
        == std::vector<listener_address>{{"PLAINTEXT", "localhost", 9092}});
}

TEST_CASE("keys that say how Kafka is built inside are taken, of their type",
  "[cluster][config_node]") {
  CHECK(parsed({{"num.replica.fetchers", "4"}, {"queued.max.requests", "500"},
                 {"auto.leader.rebalance.enable", "true"}, {"node.id", "4"}})
          .id
        == node_id{4});
  CHECK_THAT(refused({{"num.replica.fetchers", "many"}}),
    Catch::Contains("num.replica.fetchers"));
  const auto keys = config_keys(config_scope::broker);
  CHECK(std::ranges::is_sorted(keys, {}, [](const config_key& key) {
    return std::string_view{key.name};
  }));
}

TEST_CASE("an unknown key is an error that names the nearest one",
  "[cluster][config_node]") {
  CHECK_THAT(refused({{"num.partition", "3"}}),
    Catch::Contains("num.partition ") && Catch::Contains("num.partitions"));
}

TEST_CASE(
  "a bad value is an error that names its key", "[cluster][config_node]") {
  CHECK_THAT(
    refused({{"num.partitions", "0"}}), Catch::Contains("num.partitions"));
  CHECK_THAT(refused({{"group.min.session.timeout.ms", "10"},
               {"group.max.session.timeout.ms", "5"}}),
    Catch::Contains("is above"));
}

TEST_CASE(
  "what is not there yet is refused, not ignored", "[cluster][config_node]") {
  CHECK_THAT(refused({{"listeners", "SSL://:9093"}}),
    Catch::Contains("SSL") && Catch::Contains("not supported yet"));
  CHECK_THAT(refused({{"ssl.keystore.location", "/x"}}),
    Catch::Contains("not supported yet"));
  CHECK_THAT(
    refused({{"log.dirs", "/a,/b,/a"}}), Catch::Contains("/a is there twice"));
}

TEST_CASE("a cluster's controllers are numbers and addresses",
  "[cluster][config_node]") {
  const auto node
    = parse_node_config({{"controller.quorum.voters", "1@a:9093,2@[::1]:9094"},
      {"millrace.cluster.listener", "127.0.0.1:9093"}, {"node.id", "1"}});
  REQUIRE(node.ok());
  CHECK(node->is_clustered());
  CHECK(
    node->controllers
    == std::vector<controller_address>{{{1}, "a", 9093}, {{2}, "::1", 9094}});
  CHECK_THAT(refused({{"controller.quorum.voters", "1@a:9093,2@b:9093"}}),
    Catch::Contains("--cluster"));
  for (const char* wrong :
    {"1@a", "a:1", "x@a:1", "-1@a:1", "1@:9", "1@a:0", "1@a:1,1@b:1"})
    CHECK_THAT(refused({{"controller.quorum.voters", wrong}}),
      Catch::Contains("controller.quorum.voters"));
  CHECK_THAT(refused({{"millrace.cluster.listener", "a:1,b:2"}}),
    Catch::Contains("one HOST:PORT"));
}

TEST_CASE("a node of a cluster must have a number of its own",
  "[cluster][config_node]") {
  const std::string listener = "millrace.cluster.listener";
  CHECK_THAT(refused({{listener, "a:1"}}), Catch::Contains("--node-id"));
  const std::string here = "127.0.0.1:1";
  const std::string voters = "controller.quorum.voters";
  CHECK(refused({{listener, here}, {"node.id", "0"}, {voters, "0@h:1"}}) == "");
  CHECK(
    refused({{listener, here}, {"broker.id", "0"}, {voters, "0@h:1"}}) == "");
  CHECK_THAT(refused({{listener, here}, {"node.id", "0"}}),
    Catch::Contains("--controllers") && Catch::Contains("millrace join"));
}

TEST_CASE(
  "a controller must be where it says that it is", "[cluster][config_node]") {
  const auto with = [](std::map<std::string, std::string> more) {
    more.insert(
      {{"node.id", "1"}, {"controller.quorum.voters", "1@a:9093,2@b:9093"},
        {"millrace.cluster.listener", "0.0.0.0:7000"},
        {"millrace.cluster.plaintext", "true"}});
    return refused(more);
  };
  CHECK_THAT(with({}), Catch::Contains("9093") && Catch::Contains("node 1")
                         && Catch::Contains("7000"));
  CHECK(with({{"millrace.cluster.advertised.listener", "a:9093"}}).empty());
  CHECK(with({{"node.id", "3"}}).empty()); // no controller
  CHECK_FALSE(
    with({{"millrace.cluster.advertised.listener", "a:9094"}}).empty());
}

TEST_CASE("nodes beyond one machine need certificates, or a word for it",
  "[cluster][config_node]") {
  const auto with
    = [](const std::string& at, std::map<std::string, std::string> more) {
        more.insert({{"node.id", "1"}, {"millrace.cluster.listener", at},
          {"controller.quorum.voters", "1@h:1"}});
        return refused(more);
      };
  for (const char* here : {"127.0.0.1:1", "localhost:1", "[::1]:1"})
    CHECK(with(here, {}).empty());
  for (const char* beyond : {"0.0.0.0:1", ":1", "10.0.0.1:1", "host:1"}) {
    CHECK_THAT(with(beyond, {}), Catch::Contains("millrace cluster cert"));
    CHECK(with(beyond, {{"millrace.cluster.plaintext", "true"}}).empty());
  }
  const std::string ssl = "millrace.cluster.ssl.";
  const std::map<std::string, std::string> files{{ssl + "ca.location", "a"},
    {ssl + "certificate.location", "b"}, {ssl + "key.location", "c"}};
  CHECK(with("10.0.0.1:1", files).empty());
  for (const auto& [name, path] : files) {
    auto two = files;
    two.erase(name);
    CHECK_THAT(with("10.0.0.1:1", two), Catch::Contains("needs all of"));
  }
  auto both = files;
  both["millrace.cluster.plaintext"] = "true";
  CHECK_THAT(with("10.0.0.1:1", both), Catch::Contains("TLS or not"));
}

TEST_CASE(
  "listeners are taken apart with their brackets", "[cluster][config_node]") {
  const auto read = [](const char* text) {
    return parse_listeners("listeners", text);
  };
  CHECK(*read("A://[::1]:1,localhost:2,B://:65535")
        == std::vector<listener_address>{
          {"A", "::1", 1}, {"PLAINTEXT", "localhost", 2}, {"B", "", 65535}});
  for (const char* bad : {"localhost", "A://host:port", "A://::1:9092",
         "A://host:65536", "://host:1", "A://host:", "[::1]"}) {
    INFO(bad);
    CHECK_FALSE(read(bad).ok());
  }
}

TEST_CASE(
  "nobody can be told to connect to every address", "[cluster][config_node]") {
  for (const char* bad :
    {"PLAINTEXT://:9092", "PLAINTEXT://0.0.0.0:9092", "PLAINTEXT://[::]:9092"})
    CHECK_THAT(refused({{"advertised.listeners", bad}}),
      Catch::Contains("every address"));
}
