#include "cluster/metadata_answers.hpp"
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;
using millrace::test::controller;
using millrace::test::error_of;

namespace {

client_view view_of(int16_t version) {
  client_view view;
  view.version = version;
  view.host = "127.0.0.1";
  view.port = 19092;
  return view;
}

kafka::metadata_request asking(std::vector<std::string> names) {
  kafka::metadata_request request;
  request.topics.emplace();
  for (auto& name : names)
    request.topics->push_back({uuid{}, name});
  return request;
}

metadata_answer answer(const controller& c,
  const kafka::metadata_request& request, int16_t version = 13,
  std::map<std::string, std::string> set = {}) {
  return answer_metadata(
    request, view_of(version), c.image(), test::node(std::move(set)));
}

std::vector<std::string> names_of(const metadata_answer& a) {
  std::vector<std::string> names;
  for (const auto& topic : a.response.topics)
    names.push_back(topic.name.value_or("(null)"));
  return names;
}

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("null asks for all topics, an empty list for none, but in v0 for all",
  "[cluster][metadata_answers]") {
  controller c;
  c.create("b");
  c.create("a");
  kafka::metadata_request request;
  request.topics.reset();
  CHECK(names_of(answer(c, request, 1)) == strings{"a", "b"});
  CHECK(names_of(answer(c, request, 13)) == strings{"a", "b"});
  request.topics.emplace();
  CHECK(names_of(answer(c, request, 0)) == strings{"a", "b"});
  CHECK(names_of(answer(c, request, 1)).empty());
  CHECK(names_of(answer(c, request, 13)).empty());
}

TEST_CASE("a topic's answer says who leads and who is in sync",
  "[cluster][metadata_answers]") {
  controller c{2};
  c.create("t", 3, 2);
  const auto a = answer(c, asking({"t"}));
  REQUIRE(a.response.topics.size() == 1);
  const auto& topic = a.response.topics.front();
  CHECK(error_of(topic.error_code) == kafka_error::none);
  CHECK(topic.topic_id == c.image().find_topic("t")->id);
  CHECK_FALSE(topic.is_internal);
  REQUIRE(topic.partitions.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    const auto& p = topic.partitions[i];
    const auto& registered = c.image().find_topic("t")->partitions[i];
    CHECK(error_of(p.error_code) == kafka_error::none);
    CHECK(p.partition_index == static_cast<int32_t>(i));
    CHECK(p.leader_id == registered.leader.value);
    CHECK(p.leader_epoch == registered.epoch.value);
    CHECK(p.replica_nodes.size() == 2);
    CHECK(p.isr_nodes == p.replica_nodes);
    CHECK(p.offline_replicas.empty());
  }
}

TEST_CASE("a partition without a leader is LEADER_NOT_AVAILABLE",
  "[cluster][metadata_answers]") {
  controller c{1};
  c.create("t");
  for (const auto& command : c.state.decide_fence({0}))
    c.apply(command);
  const auto a = answer(c, asking({"t"}));
  const auto& p = a.response.topics.front().partitions.front();
  CHECK(error_of(p.error_code) == kafka_error::leader_not_available);
  CHECK(p.leader_id == -1);
  CHECK(p.offline_replicas == std::vector<int32_t>{0});
  CHECK(a.response.brokers.empty());
}

TEST_CASE("unknown names are told, and wanted where they may be created",
  "[cluster][metadata_answers]") {
  controller c;
  auto request = asking({"new", "bad name"});
  auto a = answer(c, request);
  CHECK(error_of(a.response.topics[0].error_code)
        == kafka_error::unknown_topic_or_partition);
  CHECK(error_of(a.response.topics[1].error_code)
        == kafka_error::invalid_topic_exception);
  CHECK(a.missing == strings{"new"});
  CHECK(answer(c, request, 13, {{"auto.create.topics.enable", "false"}})
      .missing.empty());
  request.allow_auto_topic_creation = false;
  CHECK(answer(c, request).missing.empty());
}

TEST_CASE(
  "topics are asked for by id from v12 on", "[cluster][metadata_answers]") {
  controller c;
  const auto id = c.create("t").topic_id;
  kafka::metadata_request request;
  request.topics.emplace();
  request.topics->push_back({id, std::nullopt});
  request.topics->push_back({uuid{9, 9}, std::nullopt});
  const auto a = answer(c, request, 12);
  CHECK(a.response.topics[0].name == "t");
  CHECK(
    error_of(a.response.topics[1].error_code) == kafka_error::unknown_topic_id);
  CHECK_FALSE(a.response.topics[1].name);
  CHECK(a.response.topics[1].topic_id == uuid{9, 9});
  CHECK(a.missing.empty());
  // Then those that have only a name are not answered.
  request.topics->push_back({uuid{}, "t"});
  CHECK(answer(c, request, 12).response.topics.size() == 2);
  request.topics->pop_back();
  const auto older = answer(c, request, 11);
  for (const auto& topic : older.response.topics) {
    CHECK(error_of(topic.error_code) == kafka_error::invalid_request);
    CHECK(topic.name.has_value());
  }
  CHECK(older.response.topics[1].topic_id == uuid{9, 9});
  CHECK(older.response.brokers.empty());
  CHECK_FALSE(older.response.cluster_id);
}

TEST_CASE(
  "a topic named twice is answered once", "[cluster][metadata_answers]") {
  controller c;
  c.create("t");
  CHECK(names_of(answer(c, asking({"t", "t"}))) == strings{"t"});
}

TEST_CASE("internal topics are marked", "[cluster][metadata_answers]") {
  controller c;
  const strings names{offsets_topic_name};
  c.run(c.state.decide_auto_creation(names));
  const auto a = answer(c, asking({offsets_topic_name}));
  CHECK(a.response.topics.front().is_internal);
}

TEST_CASE("operations are told when asked for, else -2147483648",
  "[cluster][metadata_answers]") {
  controller c;
  c.create("t");
  auto request = asking({"t"});
  auto a = answer(c, request, 8);
  CHECK(a.response.cluster_authorized_operations == INT32_MIN);
  CHECK(a.response.topics[0].topic_authorized_operations == INT32_MIN);
  request.include_cluster_authorized_operations = true;
  request.include_topic_authorized_operations = true;
  a = answer(c, request, 8);
  // Create 5, alter 7, describe 8, cluster action 9, describe configs 10,
  // alter configs 11, idempotent write 12.
  CHECK(a.response.cluster_authorized_operations
        == (1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12));
  // Read 3, write 4, create 5, delete 6, alter 7, describe 8, describe
  // configs 10, alter configs 11.
  CHECK(a.response.topics[0].topic_authorized_operations
        == (1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10
            | 1 << 11));
  request = asking({"missing", "no name"});
  request.include_topic_authorized_operations = true;
  a = answer(c, request, 8);
  CHECK(a.response.topics[0].topic_authorized_operations == topic_operations);
  CHECK(a.response.topics[1].topic_authorized_operations == topic_operations);
}

TEST_CASE("a broker that advertises nothing is where the client reached it",
  "[cluster][metadata_answers]") {
  controller c{2};
  const auto a = answer(c, asking({}));
  REQUIRE(a.response.brokers.size() == 2);
  CHECK(a.response.brokers[0].host == "127.0.0.1");
  CHECK(a.response.brokers[0].port == 19092);
  CHECK(a.response.brokers[1].host == "host");
  CHECK(a.response.brokers[1].port == 9093);
  CHECK(a.response.cluster_id == c.image().cluster_id());
  CHECK(a.response.controller_id == 0);
}

TEST_CASE("a broker is told by the listener that the client came in by",
  "[cluster][metadata_answers]") {
  controller c{0};
  register_broker request;
  request.id = {0};
  request.incarnation = {1, 1};
  request.endpoints
    = {{"INSIDE", "in.example", 1, 0}, {"OUTSIDE", "out.example", 2, 0}};
  c.ask(request);
  auto view = view_of(9);
  const auto host = [&] {
    return answer_metadata(asking({}), view, c.image(), test::node())
      .response.brokers.front()
      .host;
  };
  view.listener = "OUTSIDE";
  CHECK(host() == "out.example");
  view.listener = "INSIDE";
  CHECK(host() == "in.example");
  view.listener = "OTHER";
  CHECK(host() == "in.example");
}

TEST_CASE("DescribeCluster answers for brokers and not for controllers",
  "[cluster][metadata_answers]") {
  controller c{2};
  for (const auto& command : c.state.decide_fence({1}))
    c.apply(command);
  kafka::describe_cluster_request request;
  auto response = answer_describe_cluster(request, view_of(2), c.image());
  CHECK(response.cluster_id == c.image().cluster_id());
  CHECK(response.brokers.size() == 1);
  CHECK(response.cluster_authorized_operations == INT32_MIN);
  request.include_fenced_brokers = true;
  request.include_cluster_authorized_operations = true;
  response = answer_describe_cluster(request, view_of(2), c.image());
  REQUIRE(response.brokers.size() == 2);
  CHECK(response.brokers[1].is_fenced);
  CHECK(response.cluster_authorized_operations == cluster_operations);
  request.endpoint_type = 2;
  response = answer_describe_cluster(request, view_of(2), c.image());
  CHECK(error_of(response.error_code) == kafka_error::mismatched_endpoint_type);
  request.endpoint_type = 3;
  response = answer_describe_cluster(request, view_of(2), c.image());
  CHECK(
    error_of(response.error_code) == kafka_error::unsupported_endpoint_type);
  CHECK(response.endpoint_type == 1);
}

TEST_CASE("DescribeTopicPartitions pages through everything once",
  "[cluster][metadata_answers]") {
  controller c;
  c.create("a", 3);
  c.create("b", 1);
  c.create("c", 4);
  kafka::describe_topic_partitions_request request;
  for (int32_t limit = -1; limit <= 9; ++limit) {
    request.response_partition_limit = limit;
    request.cursor.reset();
    std::vector<std::string> seen;
    for (int page = 0; page < 20; ++page) {
      const auto response = answer_describe_topic_partitions(
        request, view_of(0), c.image(), test::node());
      int32_t count = 0;
      for (const auto& topic : response.topics)
        for (const auto& p : topic.partitions) {
          seen.push_back(*topic.name + std::to_string(p.partition_index));
          ++count;
        }
      CHECK(count <= std::max(limit, 1));
      if (!response.next_cursor)
        break;
      request.cursor.emplace();
      request.cursor->topic_name = response.next_cursor->topic_name;
      request.cursor->partition_index = response.next_cursor->partition_index;
    }
    CHECK(seen == strings{"a0", "a1", "a2", "b0", "c0", "c1", "c2", "c3"});
  }
}

TEST_CASE("DescribeTopicPartitions names what is not there",
  "[cluster][metadata_answers]") {
  controller c;
  c.create("a", 1);
  kafka::describe_topic_partitions_request request;
  request.topics = {{"zzz"}, {"a"}, {"no name"}};
  const auto response = answer_describe_topic_partitions(
    request, view_of(0), c.image(), test::node());
  REQUIRE(response.topics.size() == 3);
  CHECK(response.topics[0].name == "a");
  CHECK(response.topics[0].topic_authorized_operations == topic_operations);
  CHECK(response.topics[0].partitions[0].eligible_leader_replicas.has_value());
  CHECK(error_of(response.topics[1].error_code)
        == kafka_error::invalid_topic_exception);
  CHECK(error_of(response.topics[2].error_code)
        == kafka_error::unknown_topic_or_partition);
  CHECK(response.topics[2].topic_authorized_operations == topic_operations);
  CHECK_FALSE(response.next_cursor);
}

TEST_CASE("DescribeTopicPartitions refuses a cursor at a partition below 0",
  "[cluster][metadata_answers]") {
  controller c;
  c.create("a", 1);
  kafka::describe_topic_partitions_request request;
  request.topics = {{"b"}, {"a"}};
  request.cursor.emplace();
  request.cursor->partition_index = -1;
  const auto response = answer_describe_topic_partitions(
    request, view_of(0), c.image(), test::node());
  REQUIRE(response.topics.size() == 2);
  CHECK(response.topics[0].name == "b");
  for (const auto& topic : response.topics) {
    CHECK(error_of(topic.error_code) == kafka_error::invalid_request);
    CHECK(topic.partitions.empty());
  }
}

TEST_CASE("the server's own limit of partitions holds too",
  "[cluster][metadata_answers]") {
  controller c;
  c.create("a", 5);
  kafka::describe_topic_partitions_request request;
  const auto response = answer_describe_topic_partitions(request, view_of(0),
    c.image(), test::node({{"max.request.partition.size.limit", "2"}}));
  CHECK(response.topics[0].partitions.size() == 2);
  REQUIRE(response.next_cursor);
  CHECK(response.next_cursor->partition_index == 2);
}

TEST_CASE("DescribeConfigs of a topic tells value, source, type, synonyms (C9)",
  "[cluster][metadata_answers]") {
  controller c;
  c.create("t", 1, 1, {{"retention.ms", "1000"}});
  kafka::describe_configs_request request;
  request.include_synonyms = true;
  request.include_documentation = true;
  request.resources.push_back({2, "t", strings{"retention.ms", "flush.ms"}});
  const auto response
    = answer_describe_configs(request, view_of(4), c.image(), test::node());
  REQUIRE(response.results.size() == 1);
  const auto& result = response.results.front();
  CHECK(error_of(result.error_code) == kafka_error::none);
  CHECK(result.error_message == "");
  REQUIRE(result.configs.size() == 2);
  const auto& retention = result.configs[1];
  CHECK(retention.name == "retention.ms");
  CHECK(retention.value == "1000");
  CHECK(retention.config_source == 1);
  CHECK(retention.config_type == 5);
  CHECK(retention.documentation.has_value());
  CHECK_FALSE(retention.read_only);
  REQUIRE(retention.synonyms.size() == 1);
  CHECK(retention.synonyms[0].source == 1);
  CHECK(result.configs[0].name == "flush.ms");
  CHECK(result.configs[0].config_source == 5);
}

TEST_CASE("null and empty keys ask for every configuration",
  "[cluster][metadata_answers]") {
  controller c;
  c.create("t");
  kafka::describe_configs_request request;
  request.resources.push_back({2, "t", std::nullopt});
  request.resources.push_back({2, "t", strings{}});
  const auto response
    = answer_describe_configs(request, view_of(1), c.image(), test::node());
  CHECK(response.results[0].configs.size() > 20);
  CHECK(response.results[0].configs == response.results[1].configs);
  for (const auto& config : response.results[0].configs) {
    CHECK(config.synonyms.empty());
    CHECK_FALSE(config.documentation);
  }
}

TEST_CASE("DescribeConfigs of a broker tells what can change while it runs",
  "[cluster][metadata_answers]") {
  controller c;
  kafka::describe_configs_request request;
  request.resources.push_back(
    {4, "0", strings{"log.retention.ms", "node.id", "num.partitions"}});
  const auto response = answer_describe_configs(
    request, view_of(4), c.image(), test::node({{"num.partitions", "4"}}));
  const auto& configs = response.results.front().configs;
  REQUIRE(configs.size() == 3);
  CHECK_FALSE(configs[0].read_only);
  CHECK_FALSE(configs[0].value);
  CHECK(configs[1].read_only);
  CHECK(configs[2].value == "4");
  CHECK(configs[2].config_source == 4);
}

TEST_CASE("DescribeConfigs refuses what it cannot describe",
  "[cluster][metadata_answers]") {
  controller c;
  kafka::describe_configs_request request;
  request.resources = {{2, "t", std::nullopt}, {2, "bad name", std::nullopt},
    {4, "7", std::nullopt}, {16, "", std::nullopt}, {4, "", std::nullopt},
    {32, "g", std::nullopt}};
  const auto response
    = answer_describe_configs(request, view_of(4), c.image(), test::node());
  CHECK(error_of(response.results[0].error_code)
        == kafka_error::unknown_topic_or_partition);
  CHECK(error_of(response.results[1].error_code)
        == kafka_error::invalid_topic_exception);
  CHECK(
    error_of(response.results[2].error_code) == kafka_error::invalid_request);
  CHECK(
    error_of(response.results[3].error_code) == kafka_error::invalid_request);
  CHECK(error_of(response.results[4].error_code) == kafka_error::none);
  CHECK(response.results[4].configs.empty());
  CHECK(error_of(response.results[5].error_code) == kafka_error::none);
  CHECK_FALSE(response.results[5].configs.empty());
}

TEST_CASE("all brokers' dynamic defaults are described under no name",
  "[cluster][metadata_answers]") {
  controller c;
  c.apply(
    configs_changed{config_resource::broker, "", {{"log.retention.ms", "9"}}});
  kafka::describe_configs_request request;
  request.resources = {{4, "", std::nullopt}};
  const auto response
    = answer_describe_configs(request, view_of(4), c.image(), test::node());
  REQUIRE(response.results[0].configs.size() == 1);
  CHECK(response.results[0].configs[0].value == "9");
  CHECK(response.results[0].configs[0].config_source == 3);
}

TEST_CASE("ListConfigResources lists topics and brokers from v1 on",
  "[cluster][metadata_answers]") {
  controller c;
  c.create("t");
  kafka::list_config_resources_request request;
  CHECK(answer_list_config_resources(request, view_of(0), c.image())
      .config_resources.empty());
  auto response = answer_list_config_resources(request, view_of(1), c.image());
  REQUIRE(response.config_resources.size() == 3);
  CHECK(response.config_resources[2].resource_name == "0");
  CHECK(response.config_resources[2].resource_type == 8); // its logger
  CHECK(response.config_resources[0].resource_name == "t");
  CHECK(response.config_resources[0].resource_type == 2);
  CHECK(response.config_resources[1].resource_name == "0");
  request.resource_types = {4};
  response = answer_list_config_resources(request, view_of(1), c.image());
  CHECK(response.config_resources.size() == 1);
  request.resource_types = {3};
  response = answer_list_config_resources(request, view_of(1), c.image());
  CHECK(error_of(response.error_code) == kafka_error::unsupported_version);
}
