#include "apps/cli/serve_options.hpp"
#include "apps/cli/settings.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace millrace::cli;

namespace {

std::map<std::string, std::string> values(
  const result<std::vector<setting>>& settings) {
  REQUIRE(settings);
  std::map<std::string, std::string> out;
  for (const auto& s : *settings)
    out[s.key] = s.value;
  return out;
}

const char* const nothing[] = {nullptr};

} // namespace

TEST_CASE("properties are read as Java reads them", "[apps][settings]") {
  const auto read = values(parse_properties("# comment\n"
                                            "! another\n"
                                            "\n"
                                            "node.id=1\n"
                                            "a: b\n"
                                            "c d e\r\n"
                                            "  listeners = PLAINTEXT://:9092 \n"
                                            "long=one,\\\n"
                                            "   two,\\\n"
                                            "   three\n"
                                            "odd=back\\\\\n"
                                            "empty\n"
                                            "k\\:1=v\\=\\t\\u00e9\\u20AC\n"
                                            "pair=\\ud83d\\ude00\n"
                                            "last=1",
    "f"));
  CHECK(read
        == std::map<std::string, std::string>{{"node.id", "1"}, {"a", "b"},
          {"c", "d e"}, {"listeners", "PLAINTEXT://:9092"},
          {"long", "one,two,three"}, {"odd", "back\\"}, {"empty", ""},
          {"k:1", "v=\t\u00e9\u20ac"}, {"pair", "\U0001F600"}, {"last", "1"}});
}

TEST_CASE("a broken escape in properties names its line", "[apps][settings]") {
  auto read = parse_properties("a=1\nb=\\u12x4\n", "server.properties");
  REQUIRE_FALSE(read);
  CHECK(read.error().context.find("server.properties, line 2") == size_t{0});
}

TEST_CASE("TOML tables and dotted keys are the same keys", "[apps][settings]") {
  const auto read = values(parse_toml(R"(
node.id = 3
auto.create.topics.enable = false
listeners = ["PLAINTEXT://:9092", "PLAINTEXT://:9093"]
"broker.rack" = "r1"
[log]
dirs = "/data"
[log.retention]
ms = 1000
)",
    "f.toml"));
  CHECK(read
        == std::map<std::string, std::string>{{"node.id", "3"},
          {"auto.create.topics.enable", "false"},
          {"listeners", "PLAINTEXT://:9092,PLAINTEXT://:9093"},
          {"broker.rack", "r1"}, {"log.dirs", "/data"},
          {"log.retention.ms", "1000"}});
}

TEST_CASE("a mistake in TOML names line and column", "[apps][settings]") {
  auto read = parse_toml("a = 1\nb = = 2\n", "f.toml");
  REQUIRE_FALSE(read);
  CHECK(read.error().context.find("f.toml, line 2, column") == size_t{0});
  CHECK_FALSE(parse_toml("a = 2024-01-01\n", "f.toml"));
}

TEST_CASE(
  "a file that is not there is an error with its name", "[apps][settings]") {
  auto read = read_settings("/nowhere/at/all.toml");
  REQUIRE_FALSE(read);
  CHECK(read.error().code == errc::not_found);
  CHECK(read.error().context.find("/nowhere/at/all.toml") != std::string::npos);
}

TEST_CASE(
  "the environment sets known keys and nothing else", "[apps][settings]") {
  CHECK(variable_name("log.dirs") == "MILLRACE_LOG_DIRS");
  CHECK(variable_name("millrace.durability") == "MILLRACE_DURABILITY");
  // Container platforms set variables such as the second one.
  const char* const environment[] = {"MILLRACE_LOG_DIRS=/x=y",
    "MILLRACE_PORT_9092_TCP=tcp://1", "HOME=/root", "ODD", nullptr};
  const auto settings = settings_of_environment(environment);
  REQUIRE(settings.size() == 1);
  CHECK(settings[0].key == "log.dirs");
  CHECK(settings[0].value == "/x=y");
}

TEST_CASE("an unknown key names its place and the nearest known key",
  "[apps][settings]") {
  auto merged
    = merge_settings({{"log.retention.mss", "1", "server.properties, line 7"}});
  REQUIRE_FALSE(merged);
  CHECK(merged.error().code == errc::invalid_argument);
  CHECK(
    merged.error().context.find("server.properties, line 7: ") == size_t{0});
  CHECK(merged.error().context.find("log.retention.ms") != std::string::npos);
}

TEST_CASE("a value of the wrong type names its place", "[apps][settings]") {
  auto merged = merge_settings({{"num.partitions", "many", "--set"}});
  REQUIRE_FALSE(merged);
  CHECK(merged.error().context.find("--set: ") == size_t{0});
  CHECK(merged.error().context.find("num.partitions") != std::string::npos);
}

TEST_CASE(
  "flags win over --set, that over the environment", "[apps][settings]") {
  const char* const environment[]
    = {"MILLRACE_NODE_ID=1", "MILLRACE_NUM_PARTITIONS=5", nullptr};
  serve_options options;
  auto node = configure_node(options, environment);
  REQUIRE(node);
  CHECK(node->id.value == 1);
  options.set = {"node.id=2"};
  CHECK(configure_node(options, environment)->id.value == 2);
  options.node_id = "3";
  node = configure_node(options, environment);
  REQUIRE(node);
  CHECK(node->id.value == 3);
  CHECK(node->num_partitions == 5);
}

TEST_CASE("the short flags of serve are keys of Kafka", "[apps][settings]") {
  serve_options options;
  options.data_dir = "/tmp/d";
  options.kafka = "[::1]:9093";
  options.http = "127.0.0.1:8081";
  auto node = configure_node(options, nothing);
  REQUIRE(node);
  CHECK(node->log_dirs == std::vector<std::string>{"/tmp/d"});
  REQUIRE(node->listeners.size() == 1);
  CHECK(node->listeners[0].host == "::1");
  CHECK(node->listeners[0].port == 9093);
  REQUIRE(node->http_listeners.size() == 1);
  CHECK(node->http_listeners[0].port == 8081);
  options.http = "off";
  node = configure_node(options, nothing);
  REQUIRE(node);
  CHECK(node->http_listeners.empty());
}

TEST_CASE("three flags make a node one of a cluster", "[apps][settings]") {
  serve_options options;
  options.node_id = "2";
  options.cluster = "10.0.0.2";
  options.controllers = "1@10.0.0.1:19092,2@10.0.0.2:19092,3@10.0.0.3:19092";
  options.set = {"millrace.cluster.plaintext=true"};
  auto node = configure_node(options, nothing);
  REQUIRE(node);
  CHECK(node->is_clustered());
  CHECK(node->cluster_listener->host == "10.0.0.2");
  CHECK(node->cluster_listener->port == 19092);
  CHECK(node->controllers.size() == 3);
  options.controllers = "1@10.0.0.1";
  node = configure_node(options, nothing);
  REQUIRE_FALSE(node);
  CHECK(node.error().context.find("ID@HOST:PORT") != std::string::npos);
}

TEST_CASE("without options a node listens on both loopback addresses",
  "[apps][settings]") {
  auto node = configure_node({}, nothing);
  REQUIRE(node);
  REQUIRE(node->listeners.size() == 2);
  CHECK(node->listeners[0].port == 9092);
  CHECK(node->listeners[1].host == "::1");
  CHECK(node->log_dirs == std::vector<std::string>{"./data"});
}

TEST_CASE("a wrong address of a flag names the flag", "[apps][settings]") {
  serve_options options;
  options.kafka = "localhost:ninety";
  auto node = configure_node(options, nothing);
  REQUIRE_FALSE(node);
  CHECK(node.error().context.find("--kafka: ") == size_t{0});
}
