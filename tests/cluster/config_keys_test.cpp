#include "cluster/config_keys.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace millrace;

namespace {

std::string why_not(
  config_scope scope, const char* name, std::string_view value) {
  const auto* key = find_config_key(scope, name);
  if (key == nullptr)
    return "no such key";
  const auto checked = check_config_value(*key, value);
  return checked ? "" : checked.error().context;
}

std::string why_not_topic(const char* name, std::string_view value) {
  return why_not(config_scope::topic, name, value);
}

} // namespace

TEST_CASE(
  "the tables are ordered by name, without doubles", "[cluster][config_keys]") {
  for (const auto scope : {config_scope::topic, config_scope::broker}) {
    const auto keys = config_keys(scope);
    for (size_t i = 1; i < keys.size(); ++i) {
      INFO(keys[i].name);
      CHECK(std::string_view{keys[i - 1].name} < keys[i].name);
    }
    for (const auto& key : keys) {
      CHECK(find_config_key(scope, key.name) == &key);
      CHECK(key.scope == scope);
    }
  }
}

TEST_CASE(
  "every default is a value that its key takes", "[cluster][config_keys]") {
  for (const auto scope : {config_scope::topic, config_scope::broker})
    for (const auto& key : config_keys(scope)) {
      INFO(key.name);
      CHECK(std::string_view{key.documentation}.size() > 10);
      if (!key.supported || key.default_value == nullptr)
        continue;
      const auto checked = check_config_value(key, key.default_value);
      CHECK(checked.ok());
    }
}

TEST_CASE("every topic key but lists of replicas has a broker key of the same "
          "type and default",
  "[cluster][config_keys]") {
  for (const auto& key : topic_config_keys()) {
    if (!key.supported || key.names_replicas)
      continue;
    INFO(key.name);
    REQUIRE(key.broker_key != nullptr);
    const auto* broker = find_config_key(config_scope::broker, key.broker_key);
    REQUIRE(broker != nullptr);
    CHECK(broker->type == key.type);
    CHECK(broker->dynamic);
    if (broker->default_value != nullptr) {
      CHECK(std::string_view{broker->default_value} == key.default_value);
      continue;
    }
    // Through the fallbacks, in their units.
    int64_t factor = 1;
    while (broker->default_value == nullptr) {
      REQUIRE(broker->fallback_key != nullptr);
      factor *= broker->fallback_factor;
      broker = find_config_key(config_scope::broker, broker->fallback_key);
      REQUIRE(broker != nullptr);
    }
    CHECK(parse_config_integer(broker->default_value) * factor
          == parse_config_integer(key.default_value));
  }
}

TEST_CASE("a number is refused with Kafka's words", "[cluster][config_keys]") {
  CHECK(why_not_topic("retention.ms", "-1").empty());
  CHECK(why_not_topic("retention.ms", " 42 ").empty());
  CHECK(why_not_topic("retention.ms", "+42").empty());
  CHECK(why_not_topic("retention.ms", "-2")
        == "Invalid value -2 for configuration retention.ms: Value must be at "
           "least -1");
  CHECK(why_not_topic("retention.ms", "soon")
        == "Invalid value soon for configuration retention.ms: Not a number of "
           "type LONG");
  CHECK_THAT(why_not_topic("segment.bytes", "2147483648"),
    Catch::Contains("Not a number of type INT"));
  CHECK_THAT(why_not_topic("retention.ms", "9223372036854775808"),
    Catch::Contains("Not a number"));
  CHECK_THAT(why_not_topic("retention.ms", ""), Catch::Contains("Not a"));
  CHECK_THAT(why_not_topic("retention.ms", "1.5"), Catch::Contains("Not a"));
  // Kafka 4 refuses tiny segments (KIP-1030).
  CHECK_THAT(why_not_topic("segment.bytes", "1048575"),
    Catch::Contains("at least 1048576"));
  CHECK_THAT(why_not_topic("compression.zstd.level", "23"),
    Catch::Contains("no more than 22"));
}

TEST_CASE("gzip's level is 1 to 9, or -1", "[cluster][config_keys]") {
  CHECK(why_not_topic("compression.gzip.level", "-1").empty());
  CHECK(why_not_topic("compression.gzip.level", "9").empty());
  CHECK_FALSE(why_not_topic("compression.gzip.level", "0").empty());
  CHECK_FALSE(why_not_topic("compression.gzip.level", "10").empty());
}

TEST_CASE("words and booleans are refused with what would do",
  "[cluster][config_keys]") {
  CHECK(why_not_topic("compression.type", "zstd").empty());
  CHECK(
    why_not_topic("compression.type", "brotli")
    == "Invalid value brotli for configuration compression.type: String must "
       "be one of: uncompressed, zstd, lz4, snappy, gzip, producer");
  CHECK(why_not_topic("preallocate", "TRUE").empty());
  CHECK_THAT(why_not_topic("preallocate", "yes"),
    Catch::Contains("either true or false"));
  CHECK(why_not_topic("cleanup.policy", "delete, compact").empty());
  CHECK_FALSE(why_not_topic("cleanup.policy", "delete,shred").empty());
  // No policy at all: nothing is ever deleted.
  CHECK(why_not_topic("cleanup.policy", "").empty());
}

TEST_CASE("what Kafka knows and Millrace does not do yet says so",
  "[cluster][config_keys]") {
  CHECK(why_not_topic("remote.storage.enable", "true")
        == "Configuration remote.storage.enable is not supported yet");
}

TEST_CASE(
  "an unknown key names the nearest known one", "[cluster][config_keys]") {
  CHECK(std::string{nearest_config_key(config_scope::topic, "retention.sm")}
        == "retention.ms");
  CHECK(std::string{nearest_config_key(config_scope::broker, "log.dris")}
        == "log.dirs");
  CHECK(std::string{nearest_config_key(config_scope::broker, "num.partition")}
        == "num.partitions");
  CHECK_THAT(unknown_config_key(config_scope::topic, "retention"),
    Catch::StartsWith("Unknown topic config name: retention"));
  CHECK(nearest_config_key(config_scope::topic, std::string(100000, 'x'))
        != nullptr);
}

TEST_CASE(
  "lists are trimmed and hold no empty word", "[cluster][config_keys]") {
  CHECK(
    parse_config_list(" a, b ,,c ") == std::vector<std::string>{"a", "b", "c"});
  CHECK(parse_config_list("").empty());
}
