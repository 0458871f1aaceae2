#include "cluster/controller_state.hpp"
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;
using millrace::test::controller;
using millrace::test::error_of;

namespace {

using creatable_topic = kafka::create_topics_request::creatable_topic;
using creatable_result = kafka::create_topics_response::creatable_topic_result;

creatable_topic topic(
  const std::string& name, int32_t partitions = 1, int16_t factor = 1) {
  return {name, partitions, factor, {}, {}};
}

creatable_topic manual(
  const std::string& name, std::vector<std::vector<int32_t>> replicas) {
  auto t = topic(name, -1, -1);
  for (const auto& r : replicas)
    t.assignments.push_back({static_cast<int32_t>(t.assignments.size()), r});
  return t;
}

creatable_result create(controller& c, creatable_topic t) {
  kafka::create_topics_request request;
  request.topics.push_back(std::move(t));
  auto response = c.ask(request);
  REQUIRE(response.topics.size() == 1);
  return response.topics.front();
}

kafka_error refused_with(controller& c, creatable_topic t) {
  const auto before = c.index;
  const auto result = create(c, std::move(t));
  CHECK(result.error_message.has_value());
  CHECK_FALSE(result.error_message.value_or("").empty());
  CHECK(c.index == before);
  return error_of(result.error_code);
}

kafka::delete_topics_response::deletable_topic_result remove(
  controller& c, std::optional<std::string> name, uuid id = {}) {
  kafka::delete_topics_request request;
  request.topics.push_back({std::move(name), id});
  auto response = c.ask(request);
  REQUIRE(response.responses.size() == 1);
  return response.responses.front();
}

kafka_error grow(controller& c, const std::string& name, int32_t count,
  std::optional<std::vector<std::vector<int32_t>>> assignments = {}) {
  kafka::create_partitions_request request;
  auto& t = request.topics.emplace_back();
  t.name = name;
  t.count = count;
  t.assignments.reset();
  if (assignments) {
    t.assignments.emplace();
    for (auto& ids : *assignments)
      t.assignments->push_back({ids});
  }
  const auto response = c.ask(request);
  REQUIRE(response.results.size() == 1);
  const auto error = error_of(response.results.front().error_code);
  CHECK(response.results.front().error_message.has_value()
        == (error != kafka_error::none));
  return error;
}

} // namespace

TEST_CASE(
  "a topic is created with what was asked for", "[cluster][controller_state]") {
  controller c{3};
  auto wanted = topic("orders", 4, 2);
  wanted.configs = {{"retention.ms", "1000"}};
  const auto result = create(c, wanted);
  CHECK(error_of(result.error_code) == kafka_error::none);
  CHECK_FALSE(result.error_message);
  CHECK(result.num_partitions == 4);
  CHECK(result.replication_factor == 2);
  const auto* made = c.image().find_topic("orders");
  REQUIRE(made != nullptr);
  CHECK(made->id == result.topic_id);
  CHECK(made->configs == config_map{{"retention.ms", "1000"}});
  REQUIRE(made->partitions.size() == 4);
  for (const auto& p : made->partitions) {
    CHECK(p.replicas.size() == 2);
    CHECK(p.isr == p.replicas);
    CHECK(p.leader == p.replicas.front());
    CHECK(p.epoch == leader_epoch{0});
    CHECK(p.directories.size() == 2);
  }
}

TEST_CASE("-1 takes the node's defaults", "[cluster][controller_state]") {
  controller c{
    3, {{"num.partitions", "5"}, {"default.replication.factor", "2"}}};
  const auto result = create(c, topic("t", -1, -1));
  CHECK(result.num_partitions == 5);
  CHECK(result.replication_factor == 2);
}

TEST_CASE("of a configuration that comes twice the last one counts",
  "[cluster][controller_state]") {
  controller c{1};
  auto wanted = topic("t");
  wanted.configs = {{"flush.ms", "7"}, {"flush.ms", "8"}};
  CHECK(error_of(create(c, wanted).error_code) == kafka_error::none);
  CHECK(c.image().find_topic("t")->configs == config_map{{"flush.ms", "8"}});
}

TEST_CASE("the answer to CreateTopics holds the configurations (C9)",
  "[cluster][controller_state]") {
  controller c;
  auto wanted = topic("t");
  wanted.configs = {{"flush.ms", "7"}};
  const auto result = create(c, wanted);
  REQUIRE(result.configs);
  bool found = false;
  for (const auto& config : *result.configs) {
    if (config.name == "flush.ms") {
      found = true;
      CHECK(config.value == "7");
      CHECK(config.config_source == 1);
    } else {
      CHECK(config.config_source == 5);
    }
    CHECK(config.value.has_value());
    CHECK_FALSE(config.read_only);
  }
  CHECK(found);
}

TEST_CASE("a topic that is only validated is not created",
  "[cluster][controller_state]") {
  controller c;
  kafka::create_topics_request request;
  request.validate_only = true;
  request.topics = {topic("good"), topic("bad name")};
  const auto decided = c.state.decide(request);
  CHECK(decided.records.empty());
  CHECK(error_of(decided.reply.topics[0].error_code) == kafka_error::none);
  CHECK(error_of(decided.reply.topics[1].error_code)
        == kafka_error::invalid_topic_exception);
}

TEST_CASE("names that cannot be are INVALID_TOPIC_EXCEPTION",
  "[cluster][controller_state]") {
  controller c;
  for (const auto& name : {std::string{}, std::string{"."}, std::string{".."},
         std::string{"a b"}, std::string(250, 'x')})
    CHECK(refused_with(c, topic(name)) == kafka_error::invalid_topic_exception);
  CHECK(refused_with(c, topic("__cluster_metadata"))
        == kafka_error::invalid_request);
}

TEST_CASE("a name that is taken is TOPIC_ALREADY_EXISTS",
  "[cluster][controller_state]") {
  controller c;
  c.create("t");
  CHECK(refused_with(c, topic("t")) == kafka_error::topic_already_exists);
}

TEST_CASE("a.b is refused beside a_b, also within one request (C9)",
  "[cluster][controller_state]") {
  controller c;
  c.create("a.b");
  CHECK(refused_with(c, topic("a_b")) == kafka_error::invalid_topic_exception);
  kafka::create_topics_request request;
  request.topics = {topic("x.y"), topic("x_y")};
  const auto response = c.ask(request);
  CHECK(error_of(response.topics[0].error_code) == kafka_error::none);
  CHECK(error_of(response.topics[1].error_code)
        == kafka_error::invalid_topic_exception);
  CHECK_THAT(*response.topics[1].error_message,
    Catch::Contains("collides with existing topic: x.y"));
}

TEST_CASE("a name given twice in one request is answered once",
  "[cluster][controller_state]") {
  controller c;
  kafka::create_topics_request request;
  request.topics = {topic("a"), topic("b"), topic("a")};
  const auto response = c.ask(request);
  REQUIRE(response.topics.size() == 2);
  CHECK(
    error_of(response.topics[0].error_code) == kafka_error::invalid_request);
  CHECK(error_of(response.topics[1].error_code) == kafka_error::none);
  CHECK(c.image().find_topic("a") == nullptr);
}

TEST_CASE(
  "counts that cannot be have their codes", "[cluster][controller_state]") {
  controller c{2};
  CHECK(refused_with(c, topic("t", 0, 1)) == kafka_error::invalid_partitions);
  CHECK(refused_with(c, topic("t", -2, 1)) == kafka_error::invalid_partitions);
  CHECK(refused_with(c, topic("t", 1, 0))
        == kafka_error::invalid_replication_factor);
  CHECK(refused_with(c, topic("t", 1, -2))
        == kafka_error::invalid_replication_factor);
  CHECK(refused_with(c, topic("t", 1, 3))
        == kafka_error::invalid_replication_factor);
  CHECK(
    refused_with(c, topic("t", 10'001, 1)) == kafka_error::policy_violation);
  CHECK(
    refused_with(c, topic("t", INT32_MAX, 1)) == kafka_error::policy_violation);
}

TEST_CASE("replicas can be given by hand", "[cluster][controller_state]") {
  controller c{3};
  const auto result = create(c, manual("t", {{2, 0}, {1, 2}}));
  CHECK(error_of(result.error_code) == kafka_error::none);
  CHECK(result.num_partitions == 2);
  CHECK(result.replication_factor == 2);
  const auto& partitions = c.image().find_topic("t")->partitions;
  CHECK(partitions[0].replicas == std::vector<node_id>{{2}, {0}});
  CHECK(partitions[0].leader == node_id{2});
  CHECK(partitions[1].leader == node_id{1});
}

TEST_CASE("replicas by hand that cannot be have their codes",
  "[cluster][controller_state]") {
  controller c{3};
  const auto assignment = kafka_error::invalid_replica_assignment;
  CHECK(refused_with(c, manual("t", {{0}, {}})) == assignment);
  CHECK(refused_with(c, manual("t", {{0, 7}})) == assignment);
  CHECK(refused_with(c, manual("t", {{0, 0}})) == assignment);
  CHECK(refused_with(c, manual("t", {{0, 1}, {2}})) == assignment);
  auto gap = manual("t", {{0}, {1}});
  gap.assignments[1].partition_index = 2;
  CHECK(refused_with(c, gap) == assignment);
  auto twice = manual("t", {{0}, {1}});
  twice.assignments[1].partition_index = 0;
  CHECK(refused_with(c, twice) == assignment);
  auto counted = manual("t", {{0}});
  counted.num_partitions = 1;
  CHECK(refused_with(c, counted) == kafka_error::invalid_request);
  auto factored = manual("t", {{0}});
  factored.replication_factor = 1;
  CHECK(refused_with(c, factored) == kafka_error::invalid_request);
}

TEST_CASE("a topic with a bad configuration is INVALID_CONFIG",
  "[cluster][controller_state]") {
  controller c;
  const auto with = [](const char* name, std::optional<std::string> value) {
    auto t = topic("t");
    t.configs = {{name, std::move(value)}};
    return t;
  };
  const auto invalid = kafka_error::invalid_config;
  CHECK(refused_with(c, with("retention", "1")) == invalid);
  CHECK(refused_with(c, with("retention.ms", "soon")) == invalid);
  CHECK(refused_with(c, with("retention.ms", std::nullopt)) == invalid);
  CHECK(refused_with(c, with("remote.storage.enable", "true")) == invalid);
  CHECK(refused_with(c, with("cleanup.policy", "shred")) == invalid);
  CHECK(create(c, with("cleanup.policy", "compact,delete")).error_code == 0);
}

TEST_CASE("a topic that a client names is created with the defaults",
  "[cluster][controller_state]") {
  controller c{1, {{"num.partitions", "3"}}};
  c.create("there");
  const std::vector<std::string> names{"there", "new", "new", "bad name"};
  const auto made = c.run(c.state.decide_auto_creation(names));
  REQUIRE(made.size() == 3);
  CHECK(made[0].name == "there");
  CHECK(made[0].error == kafka_error::none);
  CHECK(made[1].name == "new");
  CHECK(made[1].error == kafka_error::none);
  CHECK(made[2].error == kafka_error::invalid_topic_exception);
  CHECK(c.image().find_topic("new")->partitions.size() == 3);
}

TEST_CASE("__consumer_offsets is created in its own way",
  "[cluster][controller_state]") {
  controller c;
  const std::vector<std::string> names{offsets_topic_name};
  const auto made = c.run(c.state.decide_auto_creation(names));
  REQUIRE(made.size() == 1);
  CHECK(made[0].message.empty());
  REQUIRE(made[0].error == kafka_error::none);
  const auto* topic = c.image().find_topic(offsets_topic_name);
  CHECK(topic->partitions.size() == 50);
  CHECK(topic->configs.at("cleanup.policy") == "compact");
  CHECK(topic->configs.at("segment.bytes") == "104857600");
}

TEST_CASE(
  "topics are deleted by name and by id", "[cluster][controller_state]") {
  controller c;
  c.create("a");
  const auto b = c.create("b").topic_id;
  const auto by_name = remove(c, "a");
  CHECK(error_of(by_name.error_code) == kafka_error::none);
  CHECK(by_name.name == "a");
  CHECK_FALSE(by_name.topic_id.is_zero());
  const auto by_id = remove(c, std::nullopt, b);
  CHECK(error_of(by_id.error_code) == kafka_error::none);
  CHECK(by_id.name == "b");
  CHECK(c.image().topics().empty());
}

TEST_CASE(
  "the names of older versions delete too", "[cluster][controller_state]") {
  controller c;
  c.create("a");
  kafka::delete_topics_request request;
  request.topic_names = {"a", "b"};
  const auto response = c.ask(request);
  REQUIRE(response.responses.size() == 2);
  CHECK(error_of(response.responses[0].error_code) == kafka_error::none);
  CHECK(error_of(response.responses[1].error_code)
        == kafka_error::unknown_topic_or_partition);
}

TEST_CASE(
  "deletions that cannot be have their codes", "[cluster][controller_state]") {
  controller c;
  const auto id = c.create("a").topic_id;
  CHECK(error_of(remove(c, "b").error_code)
        == kafka_error::unknown_topic_or_partition);
  const auto unknown = remove(c, std::nullopt, {9, 9});
  CHECK(error_of(unknown.error_code) == kafka_error::unknown_topic_id);
  CHECK_FALSE(unknown.name);
  CHECK(
    error_of(remove(c, "a", id).error_code) == kafka_error::invalid_request);
  CHECK(error_of(remove(c, std::nullopt).error_code)
        == kafka_error::invalid_request);
  kafka::delete_topics_request both;
  both.topics = {{"a", uuid{}}, {std::nullopt, id}};
  const auto response = c.ask(both);
  CHECK(error_of(response.responses[0].error_code) == kafka_error::none);
  CHECK(
    error_of(response.responses[1].error_code) == kafka_error::invalid_request);
}

TEST_CASE("without delete.topic.enable nothing is deleted",
  "[cluster][controller_state]") {
  controller c{1, {{"delete.topic.enable", "false"}}};
  c.create("a");
  CHECK(error_of(remove(c, "a").error_code)
        == kafka_error::topic_deletion_disabled);
  CHECK(c.image().find_topic("a") != nullptr);
}

TEST_CASE("a topic made anew under its old name has a new id (R17)",
  "[cluster][controller_state]") {
  controller c;
  const auto first = c.create("a").topic_id;
  remove(c, "a");
  CHECK(c.create("a").topic_id != first);
}

TEST_CASE(
  "partitions can be added, never taken away", "[cluster][controller_state]") {
  controller c{2};
  c.create("t", 3, 2);
  CHECK(grow(c, "t", 5) == kafka_error::none);
  REQUIRE(c.image().find_topic("t")->partitions.size() == 5);
  CHECK(c.image().find_topic("t")->partitions[4].replicas.size() == 2);
  CHECK(grow(c, "t", 5) == kafka_error::invalid_partitions);
  CHECK(grow(c, "t", 4) == kafka_error::invalid_partitions);
  CHECK(grow(c, "t", -1) == kafka_error::invalid_partitions);
  CHECK(grow(c, "u", 4) == kafka_error::unknown_topic_or_partition);
  CHECK(grow(c, "t", INT32_MAX) == kafka_error::policy_violation);
}

TEST_CASE(
  "new partitions take replicas by hand", "[cluster][controller_state]") {
  controller c{2};
  c.create("t", 1, 1);
  const auto assignment = kafka_error::invalid_replica_assignment;
  using ids = std::vector<std::vector<int32_t>>;
  CHECK(grow(c, "t", 3, ids{{0}}) == assignment);
  CHECK(grow(c, "t", 3, ids{{0}, {7}}) == assignment);
  CHECK(grow(c, "t", 3, ids{{0}, {0, 1}}) == assignment);
  CHECK(grow(c, "t", 3, ids{{1}, {0}}) == kafka_error::none);
  CHECK(c.image().find_topic("t")->partitions[1].leader == node_id{1});
}

TEST_CASE("partitions that are only validated are not added",
  "[cluster][controller_state]") {
  controller c;
  c.create("t", 1, 1);
  kafka::create_partitions_request request;
  request.validate_only = true;
  request.topics.push_back({"t", 2, std::nullopt});
  const auto decided = c.state.decide(request);
  CHECK(decided.records.empty());
  CHECK(error_of(decided.reply.results[0].error_code) == kafka_error::none);
}
