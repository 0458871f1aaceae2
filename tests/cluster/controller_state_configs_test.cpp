#include "cluster/controller_state.hpp"
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;
using millrace::test::controller;
using millrace::test::error_of;

namespace {

constexpr int8_t topic_type = 2;
constexpr int8_t broker_type = 4;

using operation = kafka::incremental_alter_configs_request::alterable_config;

constexpr int8_t op_set = 0;
constexpr int8_t op_delete = 1;
constexpr int8_t op_append = 2;
constexpr int8_t op_subtract = 3;

/// Error and message of an incremental change of one resource.
std::pair<kafka_error, std::string> change(controller& c, int8_t type,
  const std::string& name, std::vector<operation> operations) {
  kafka::incremental_alter_configs_request request;
  request.resources.push_back({type, name, std::move(operations)});
  const auto before = c.index;
  const auto response = c.ask(request);
  REQUIRE(response.responses.size() == 1);
  const auto& answer = response.responses.front();
  CHECK(answer.resource_type == type);
  CHECK(answer.resource_name == name);
  const auto error = error_of(answer.error_code);
  CHECK(answer.error_message.has_value() == (error != kafka_error::none));
  if (error != kafka_error::none)
    CHECK(c.index == before);
  return {error, answer.error_message.value_or("")};
}

kafka_error replace(controller& c, int8_t type, const std::string& name,
  std::vector<std::pair<std::string, std::optional<std::string>>> configs) {
  kafka::alter_configs_request request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = type;
  resource.resource_name = name;
  for (auto& [key, value] : configs)
    resource.configs.push_back({key, value});
  return error_of(c.ask(request).responses.front().error_code);
}

const config_map& configs_of(const controller& c, const char* topic) {
  return c.image().find_topic(topic)->configs;
}

} // namespace

TEST_CASE(
  "SET and DELETE change only what they name", "[cluster][controller_state]") {
  controller c;
  c.create("t", 1, 1, {{"flush.ms", "5"}, {"retention.ms", "6"}});
  CHECK(
    change(c, topic_type, "t",
      {{"retention.ms", op_delete, std::nullopt}, {"segment.ms", op_set, "7"}})
      .first
    == kafka_error::none);
  CHECK(
    configs_of(c, "t") == config_map{{"flush.ms", "5"}, {"segment.ms", "7"}});
}

TEST_CASE("a change that changes nothing is not written",
  "[cluster][controller_state]") {
  controller c;
  c.create("t", 1, 1, {{"flush.ms", "5"}});
  const auto before = c.index;
  CHECK(change(c, topic_type, "t", {{"flush.ms", op_set, "5"}}).first
        == kafka_error::none);
  CHECK(change(c, topic_type, "t", {{"segment.ms", op_delete, {}}}).first
        == kafka_error::none);
  CHECK(c.index == before);
}

TEST_CASE("APPEND and SUBTRACT work on lists, from the default on",
  "[cluster][controller_state]") {
  controller c;
  // Compaction is for internal topics, which shows lists of two.
  const std::vector<std::string> names{offsets_topic_name};
  c.run(c.state.decide_auto_creation(names));
  const auto policy = [&c] {
    return configs_of(c, offsets_topic_name).at("cleanup.policy");
  };
  CHECK(change(c, topic_type, offsets_topic_name,
          {{"cleanup.policy", op_append, "delete,compact"}})
          .first
        == kafka_error::none);
  CHECK(policy() == "compact,delete");
  CHECK(change(c, topic_type, offsets_topic_name,
          {{"cleanup.policy", op_subtract, "compact"}})
          .first
        == kafka_error::none);
  CHECK(policy() == "delete");
  c.create("t");
  CHECK(
    change(c, topic_type, "t", {{"cleanup.policy", op_append, "delete"}}).first
    == kafka_error::none);
  CHECK(configs_of(c, "t").at("cleanup.policy") == "delete");
}

TEST_CASE("APPEND to what is no list is INVALID_CONFIG",
  "[cluster][controller_state]") {
  controller c;
  c.create("t");
  const auto [error, message]
    = change(c, topic_type, "t", {{"flush.ms", op_append, "1"}});
  CHECK(error == kafka_error::invalid_config);
  CHECK(
    message == "Can't APPEND to key flush.ms because its type is not LIST.");
}

TEST_CASE("a bad change is refused with its sentence, and nothing of it done",
  "[cluster][controller_state]") {
  controller c;
  c.create("t");
  const auto refused = [&](std::vector<operation> operations) {
    const auto result = change(c, topic_type, "t", std::move(operations));
    CHECK_FALSE(result.second.empty());
    CHECK(configs_of(c, "t").empty());
    return result.first;
  };
  CHECK(refused({{"flush.ms", op_set, "5"}, {"retention.ms", op_set, "x"}})
        == kafka_error::invalid_config);
  CHECK(
    refused({{"retention.sm", op_set, "5"}}) == kafka_error::invalid_config);
  CHECK(refused({{"local.retention.ms", op_set, "5"}})
        == kafka_error::invalid_config);
  CHECK(refused({{"cleanup.policy", op_set, "shred"}})
        == kafka_error::invalid_config);
  CHECK(refused({{"flush.ms", op_set, std::nullopt}})
        == kafka_error::invalid_request);
  CHECK(refused({{"flush.ms", op_set, "1"}, {"flush.ms", op_delete, {}}})
        == kafka_error::invalid_request);
  CHECK(refused({{"flush.ms", 9, "1"}}) == kafka_error::invalid_request);
}

TEST_CASE("a topic that has no topic's name is not merely unknown",
  "[cluster][controller_state]") {
  controller c;
  CHECK(change(c, topic_type, "a b", {{"flush.ms", op_set, "5"}}).first
        == kafka_error::invalid_topic_exception);
  CHECK(change(c, topic_type, "a", {{"flush.ms", op_set, "5"}}).first
        == kafka_error::unknown_topic_or_partition);
}

TEST_CASE("wrong operations come before a wrong name, values before a topic",
  "[cluster][controller_state]") {
  controller c;
  CHECK(change(c, topic_type, "a b", {{"flush.ms", op_append, "5"}}).first
        == kafka_error::invalid_config);
  CHECK(change(c, topic_type, "a b", {{"flush.ms", op_set, "x"}}).first
        == kafka_error::invalid_topic_exception);
  CHECK(change(c, topic_type, "a", {{"flush.ms", op_set, "x"}}).first
        == kafka_error::invalid_config);
}

TEST_CASE(
  "a resource that is not there has its code", "[cluster][controller_state]") {
  controller c;
  const std::vector<operation> any{{"flush.ms", op_set, "5"}};
  CHECK(change(c, topic_type, "t", any).first
        == kafka_error::unknown_topic_or_partition);
  CHECK(change(c, topic_type, "", any).first == kafka_error::invalid_request);
  CHECK(change(c, broker_type, "x", any).first == kafka_error::invalid_request);
  CHECK(change(c, broker_type, "7", any).first == kafka_error::invalid_request);
  CHECK(
    change(c, broker_type, "-1", any).first == kafka_error::invalid_request);
  CHECK(change(c, 8, "0", any).first == kafka_error::invalid_request);
}

TEST_CASE("a resource named twice is refused, the others are not",
  "[cluster][controller_state]") {
  controller c;
  c.create("t");
  c.create("u");
  kafka::incremental_alter_configs_request request;
  const std::vector<operation> any{{"flush.ms", op_set, "5"}};
  request.resources
    = {{topic_type, "t", any}, {topic_type, "u", any}, {topic_type, "t", any}};
  const auto response = c.ask(request);
  REQUIRE(response.responses.size() == 2);
  CHECK(
    error_of(response.responses[0].error_code) == kafka_error::invalid_request);
  CHECK(error_of(response.responses[1].error_code) == kafka_error::none);
  CHECK(configs_of(c, "t").empty());
}

TEST_CASE("a change that is only validated is not done",
  "[cluster][controller_state]") {
  controller c;
  c.create("t");
  kafka::incremental_alter_configs_request request;
  request.validate_only = true;
  request.resources = {{topic_type, "t", {{"flush.ms", op_set, "5"}}},
    {topic_type, "u", {{"flush.ms", op_set, "5"}}}};
  const auto decided = c.state.decide(request);
  CHECK(decided.records.empty());
  CHECK(error_of(decided.reply.responses[0].error_code) == kafka_error::none);
  CHECK(error_of(decided.reply.responses[1].error_code)
        == kafka_error::unknown_topic_or_partition);
}

TEST_CASE("brokers are configured one by one and all together",
  "[cluster][controller_state]") {
  controller c;
  CHECK(change(c, broker_type, "0", {{"log.retention.ms", op_set, "5"}}).first
        == kafka_error::none);
  CHECK(change(c, broker_type, "", {{"log.retention.ms", op_set, "6"}}).first
        == kafka_error::none);
  CHECK(
    c.image().configs_of(config_resource::broker, "0")->at("log.retention.ms")
    == "5");
  CHECK(
    c.image().configs_of(config_resource::broker, "")->at("log.retention.ms")
    == "6");
}

TEST_CASE("groups and subscriptions to metrics are configured by name",
  "[cluster][controller_state]") {
  controller c;
  constexpr int8_t metrics_type = 16;
  constexpr int8_t group_type = 32;
  CHECK(change(
          c, group_type, "g", {{"consumer.session.timeout.ms", op_set, "9000"}})
          .first
        == kafka_error::none);
  CHECK(c.image()
          .configs_of(config_resource::group, "g")
          ->at("consumer.session.timeout.ms")
        == "9000");
  CHECK(change(c, group_type, "g", {{"retention.ms", op_set, "1"}}).first
        == kafka_error::invalid_config);
  CHECK(change(
          c, group_type, "g", {{"consumer.session.timeout.ms", op_set, "soon"}})
          .first
        == kafka_error::invalid_config);
  CHECK(change(c, metrics_type, "s",
          {{"interval.ms", op_set, "1000"}, {"metrics", op_set, "*"},
            {"match", op_set, "client_id=a.*"}})
          .first
        == kafka_error::none);
  CHECK(
    c.image().configs_of(config_resource::client_metrics, "s")->size() == 3);
  CHECK(change(c, metrics_type, "s", {{"interval.ms", op_set, "5"}}).first
        == kafka_error::invalid_request);
  CHECK(change(c, metrics_type, "s", {{"match", op_set, "nobody=x"}}).first
        == kafka_error::invalid_config);
  for (const auto type : {metrics_type, group_type})
    for (const auto& name : {std::string{}, std::string(256, 'x')})
      CHECK(change(c, type, name, {}).first == kafka_error::invalid_request);
  CHECK(change(c, metrics_type, "s",
          {{"interval.ms", op_delete, {}}, {"metrics", op_delete, {}},
            {"match", op_delete, {}}})
          .first
        == kafka_error::none);
  CHECK(c.image().configs_of(config_resource::client_metrics, "s") == nullptr);
}

TEST_CASE("what a broker reads only at its start is not changed",
  "[cluster][controller_state]") {
  controller c;
  for (const char* key : {"log.dirs", "node.id", "listeners", "num.partitions",
         "auto.create.topics.enable"}) {
    const auto [error, message]
      = change(c, broker_type, "0", {{key, op_set, "1"}});
    CHECK(error == kafka_error::invalid_request);
    CHECK_THAT(
      message, Catch::Contains("Cannot update these configs dynamically")
                 && Catch::Contains(key));
  }
  CHECK(change(c, broker_type, "0", {{"log.retention", op_set, "1"}}).first
        == kafka_error::invalid_config);
  CHECK(
    change(c, broker_type, "0", {{"log.cleanup.policy", op_set, "shred"}}).first
    == kafka_error::invalid_request);
}

TEST_CASE("AlterConfigs replaces everything", "[cluster][controller_state]") {
  controller c;
  c.create("t", 1, 1, {{"flush.ms", "5"}, {"retention.ms", "6"}});
  CHECK(replace(c, topic_type, "t", {{"flush.ms", "5"}, {"segment.ms", "7"}})
        == kafka_error::none);
  CHECK(
    configs_of(c, "t") == config_map{{"flush.ms", "5"}, {"segment.ms", "7"}});
  CHECK(replace(c, topic_type, "t", {{"flush.ms", std::nullopt}})
        == kafka_error::invalid_request);
  CHECK(replace(c, topic_type, "t", {{"flush", "1"}})
        == kafka_error::invalid_config);
  CHECK(
    replace(c, topic_type, "u", {}) == kafka_error::unknown_topic_or_partition);
  CHECK(replace(c, topic_type, "t", {}) == kafka_error::none);
  CHECK(configs_of(c, "t").empty());
}
