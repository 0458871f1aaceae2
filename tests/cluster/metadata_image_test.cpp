#include "cluster/metadata_image.hpp"
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;
using millrace::test::controller;

TEST_CASE("a topic is found by name and by id", "[cluster][metadata_image]") {
  controller c;
  c.create("orders", 3);
  const auto* topic = c.image().find_topic("orders");
  REQUIRE(topic != nullptr);
  CHECK(c.image().find_topic(topic->id) == topic);
  CHECK(c.image().find_partition(topic->id, 2)->index == 2);
  CHECK(c.image().find_partition(topic->id, 3) == nullptr);
  CHECK(c.image().find_partition(topic->id, -1) == nullptr);
  CHECK(c.image().partition_count() == 3);
}

TEST_CASE("a deleted topic leaves no name, id, partition or collision",
  "[cluster][metadata_image]") {
  controller c;
  c.create("a.b", 2);
  const auto id = c.image().find_topic("a.b")->id;
  c.apply(topic_deleted{id});
  CHECK(c.image().find_topic("a.b") == nullptr);
  CHECK(c.image().find_topic(id) == nullptr);
  CHECK(c.image().partition_count() == 0);
  CHECK(c.image().collision_of("a_b").empty());
}

TEST_CASE("a.b and a_b collide, a topic does not collide with itself (C9)",
  "[cluster][metadata_image]") {
  controller c;
  c.create("a.b");
  CHECK(c.image().collision_of("a_b") == "a.b");
  CHECK(c.image().collision_of("a.b").empty());
  CHECK(c.image().collision_of("a-b").empty());
}

TEST_CASE("every start of a broker gives what it leads a new epoch (R7)",
  "[cluster][metadata_image]") {
  controller c{2};
  c.create("orders", 4, 2);
  const auto id = c.image().find_topic("orders")->id;
  const auto before = c.image().find_topic("orders")->partitions;
  c.register_one(0, 2);
  for (size_t i = 0; i < 4; ++i) {
    const auto& now = *c.image().find_partition(id, static_cast<int32_t>(i));
    const int32_t bumps = before[i].leader == node_id{0} ? 1 : 0;
    CHECK(now.leader == before[i].leader);
    CHECK(now.isr == before[i].isr);
    CHECK(now.epoch.value == before[i].epoch.value + bumps);
    CHECK(now.partition_epoch == before[i].partition_epoch + bumps);
  }
}

TEST_CASE("broker epochs never repeat", "[cluster][metadata_image]") {
  controller c{2};
  std::set<int64_t> epochs;
  for (const auto& [id, broker] : c.image().brokers())
    epochs.insert(broker.broker_epoch);
  epochs.insert(c.register_one(0, 2).broker_epoch);
  epochs.insert(c.register_one(0, 3).broker_epoch);
  epochs.insert(c.register_one(1, 2).broker_epoch);
  CHECK(epochs.size() == 5);
  CHECK(*epochs.rbegin() < c.image().next_broker_epoch());
}

TEST_CASE("a late fencing of an earlier incarnation changes nothing",
  "[cluster][metadata_image]") {
  controller c;
  const auto old = c.image().find_broker({0})->broker_epoch;
  c.register_one(0, 2);
  c.apply(broker_fenced{{0}, old, true});
  CHECK(c.image().is_alive({0}));
}

TEST_CASE("configurations merge, and what is taken away is gone",
  "[cluster][metadata_image]") {
  controller c;
  c.create("t");
  c.apply(configs_changed{
    config_resource::topic, "t", {{"retention.ms", "1"}, {"flush.ms", "2"}}});
  c.apply(configs_changed{config_resource::topic, "t",
    {{"retention.ms", std::nullopt}, {"flush.ms", "3"}}});
  CHECK(c.image().find_topic("t")->configs == config_map{{"flush.ms", "3"}});
  c.apply(
    configs_changed{config_resource::broker, "", {{"log.retention.ms", "5"}}});
  REQUIRE(c.image().configs_of(config_resource::broker, "") != nullptr);
  c.apply(configs_changed{
    config_resource::broker, "", {{"log.retention.ms", std::nullopt}}});
  CHECK(c.image().configs_of(config_resource::broker, "") == nullptr);
}

TEST_CASE("a copy of an image is not changed by what the original applies",
  "[cluster][metadata_image]") {
  controller c;
  c.create("t", 1);
  const auto copy = c.image();
  c.create("u", 1);
  kafka::create_partitions_request request;
  request.topics.push_back({"t", 5, std::nullopt});
  c.ask(request);
  CHECK(copy.find_topic("u") == nullptr);
  CHECK(copy.find_topic("t")->partitions.size() == 1);
  CHECK(c.image().find_topic("t")->partitions.size() == 5);
  CHECK_FALSE(copy == c.image());
}

TEST_CASE("a subscriber that applies the same commands has the same image",
  "[cluster][metadata_image]") {
  controller c{3};
  c.create("a", 3, 2, {{"retention.ms", "1000"}});
  c.create("b", 1, 3);
  c.register_one(1, 2);
  c.apply(topic_deleted{c.image().find_topic("b")->id});
  metadata_image other;
  for (size_t i = 0; i < c.log.size(); ++i)
    other.apply(c.log[i], static_cast<int64_t>(i), 1);
  CHECK(other == c.image());
}

TEST_CASE("internal topics are known by name", "[cluster][metadata_image]") {
  CHECK(is_internal_topic("__consumer_offsets"));
  CHECK(is_internal_topic("__transaction_state"));
  CHECK(is_internal_topic("__share_group_state"));
  CHECK(is_internal_topic("__actor-word_counter"));
  CHECK_FALSE(is_internal_topic("__mine"));
}
