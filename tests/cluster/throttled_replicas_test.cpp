#include "cluster/config_keys.hpp"
#include "cluster/throttled_replicas.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

bool names(std::string_view text, int32_t partition, int32_t broker) {
  const auto parsed = throttled_replicas::parse(text);
  REQUIRE(parsed);
  return parsed->contains(partition, node_id{broker});
}

} // namespace

TEST_CASE(
  "a list names its replicas and no others", "[cluster][throttled_replicas]") {
  CHECK(names("0:101,1:102", 0, 101));
  CHECK(names("1:102, 0:101", 1, 102));
  CHECK_FALSE(names("0:101,1:102", 0, 102));
  CHECK_FALSE(names("0:101,1:102", 1, 101));
}

TEST_CASE("a star names all of them", "[cluster][throttled_replicas]") {
  CHECK(names("*", 7, 7));
  CHECK(names(" * ", 0, 0));
}

TEST_CASE("an empty list names none", "[cluster][throttled_replicas]") {
  CHECK_FALSE(names("", 0, 0));
  CHECK_FALSE(throttled_replicas{}.contains(0, node_id{0}));
}

TEST_CASE("what is neither is no list", "[cluster][throttled_replicas]") {
  for (const auto* text : {"**", "*,0:1", "0", "0:", ":1", "0:1:2", "-1:1",
         "0:x", "0:1;1:2", "none", "99999999999:1", "0: 1"}) {
    CAPTURE(text);
    CHECK_FALSE(throttled_replicas::parse(text));
  }
}

TEST_CASE("the configuration refuses it with Kafka's sentence",
  "[cluster][throttled_replicas]") {
  const auto* key = find_config_key(
    config_scope::topic, "leader.replication.throttled.replicas");
  REQUIRE(key != nullptr);
  CHECK(check_config_value(*key, "0:1,1:2").ok());
  const auto refused = check_config_value(*key, "0-1");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().context
        == "Invalid value 0-1 for configuration "
           "leader.replication.throttled.replicas: "
           "leader.replication.throttled.replicas must be the literal '*' or a "
           "list of replicas in the following format: "
           "[partitionId]:[brokerId],[partitionId]:[brokerId],...");
}
