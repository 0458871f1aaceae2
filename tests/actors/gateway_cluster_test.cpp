// A gateway of a cluster whose partitions are led elsewhere, or here: what it
// answers by itself, and where it sends its clients.

#include "schema/kafka/api_versions.hpp"
#include "schema/kafka/find_coordinator.hpp"
#include "schema/kafka/heartbeat.hpp"
#include "schema/kafka/list_groups.hpp"
#include "schema/kafka/list_offsets.hpp"
#include "schema/kafka/metadata.hpp"
#include "schema/kafka/txn_offset_commit.hpp"
#include "tests/actors/gateway_fixture.hpp"

using namespace millrace;
using kafka::api_key;

namespace {

using fixture = gateway_fixture;

partition_registration led_by(int32_t leader, int32_t epoch) {
  partition_registration p;
  p.replicas = p.isr = {{1}, {2}, {3}};
  p.leader = {leader};
  p.epoch = leader_epoch{epoch};
  p.partition_epoch = epoch;
  return p;
}

kafka_error error_of(int16_t code) {
  return static_cast<kafka_error>(code);
}

} // namespace

TEST_CASE(
  "any node tells all brokers and every leader", "[actors][gateway][cluster]") {
  fixture f;
  kafka::metadata_request request;
  request.topics.reset();
  const auto all
    = f.ask<kafka::metadata_response>(api_key::metadata, 12, request);
  REQUIRE(all.brokers.size() == 3);
  CHECK(all.brokers[0].host == "10.0.0.1"); // as the client reached it
  CHECK(all.brokers[1].host == "node2");
  CHECK(all.brokers[1].port == 9092);
  CHECK(all.brokers[2].host == "node3");
  CHECK(all.controller_id == 1);
  for (const auto& topic : all.topics)
    if (topic.name == "there") {
      CHECK(topic.partitions[0].leader_id == 2);
      CHECK(topic.partitions[0].isr_nodes == std::vector<int32_t>{1, 2, 3});
    }
}

TEST_CASE("telemetry is offered as long as somebody subscribes to it",
  "[actors][gateway][cluster]") {
  fixture f;
  const auto is_offered = [&] {
    const auto told = f.ask<kafka::api_versions_response>(
      api_key::api_versions, 2, kafka::api_versions_request{});
    return std::any_of(
      told.api_keys.begin(), told.api_keys.end(), [](const auto& a) {
        return a.api_key == static_cast<int16_t>(api_key::push_telemetry);
      });
  };
  CHECK_FALSE(is_offered());
  f.tell(configs_changed{
    config_resource::client_metrics, "mine", {{"metrics", "*"}}});
  CHECK(is_offered());
  f.tell(configs_changed{
    config_resource::client_metrics, "mine", {{"metrics", std::nullopt}}});
  CHECK_FALSE(is_offered());
}

TEST_CASE("a produce to a partition led elsewhere is told the leader's epoch "
          "and address (C8)",
  "[actors][gateway][cluster]") {
  fixture f;
  const auto refused
    = f.ask<kafka::produce_response>(api_key::produce, 12, produce_to("there"));
  const auto& p = refused.responses.at(0).partition_responses.at(0);
  CHECK(error_of(p.error_code) == kafka_error::not_leader_or_follower);
  CHECK(p.current_leader.leader_id == 2);
  CHECK(p.current_leader.leader_epoch == 5);
  REQUIRE(refused.node_endpoints.size() == 1);
  CHECK(refused.node_endpoints[0].node_id == 2);
  CHECK(refused.node_endpoints[0].host == "node2");
  CHECK(refused.node_endpoints[0].port == 9092);
  CHECK_FALSE(f.partition->has_next_message());
}

TEST_CASE("a produce by an older version gets the error alone",
  "[actors][gateway][cluster]") {
  fixture f;
  const auto refused
    = f.ask<kafka::produce_response>(api_key::produce, 9, produce_to("there"));
  const auto& p = refused.responses.at(0).partition_responses.at(0);
  CHECK(error_of(p.error_code) == kafka_error::not_leader_or_follower);
  CHECK(refused.node_endpoints.empty());
}

TEST_CASE("a partition without a leader is told as led by none",
  "[actors][gateway][cluster]") {
  fixture f;
  const auto refused = f.ask<kafka::produce_response>(
    api_key::produce, 12, produce_to("nowhere"));
  const auto& p = refused.responses.at(0).partition_responses.at(0);
  CHECK(error_of(p.error_code) == kafka_error::not_leader_or_follower);
  CHECK(p.current_leader.leader_id == -1);
  CHECK(p.current_leader.leader_epoch == 5);
  CHECK(refused.node_endpoints.empty());
}

TEST_CASE("a produce goes to the partition that is led here",
  "[actors][gateway][cluster]") {
  fixture f;
  f.send(api_key::produce, 12, produce_to("here"));
  CHECK_FALSE(f.has_answer());
  uint64_t ticket = 0;
  f.partition->receive([&](const produce_many& asked) {
    REQUIRE(asked.entries.size() == 1);
    ticket = asked.entries[0].ticket;
  });
  // It has just lost its leadership, of which this image knows nothing yet.
  caf::anon_send(f.subject, produce_results{{{.ticket = ticket,
                              .error = kafka_error::not_leader_or_follower}}});
  f.run();
  const auto refused = f.take<kafka::produce_response>(api_key::produce, 12);
  const auto& p = refused.responses.at(0).partition_responses.at(0);
  CHECK(error_of(p.error_code) == kafka_error::not_leader_or_follower);
  CHECK(p.current_leader.leader_id == 1);
  CHECK(p.current_leader.leader_epoch == 5);
}

TEST_CASE("a fetch of a client that knows of leaders only is refused at once "
          "elsewhere",
  "[actors][gateway][cluster]") {
  fixture f;
  const auto refused
    = f.ask<kafka::fetch_response>(api_key::fetch, 10, fetch_of("there"));
  const auto& p = refused.responses.at(0).partitions.at(0);
  CHECK(error_of(p.error_code) == kafka_error::not_leader_or_follower);
  CHECK_FALSE(f.partition->has_next_message());
}

TEST_CASE("a fetch from a partition that this node follows goes to it "
          "(KIP-392), and where it is refused tells the leader",
  "[actors][gateway][cluster]") {
  fixture f;
  auto request = fetch_of("there");
  request.topics[0].topic_id = f.image.find_topic("there")->id;
  const auto refuse = [&](int16_t version) {
    f.send(api_key::fetch, version, request);
    auto answer = f.asked_of_partition();
    answer.error = kafka_error::not_leader_or_follower;
    answer.current_epoch = leader_epoch{5};
    f.answer(answer);
    return f.take<kafka::fetch_response>(api_key::fetch, version);
  };
  const auto by_name = refuse(12);
  CHECK(by_name.responses.at(0).partitions.at(0).current_leader.leader_id == 2);
  CHECK(by_name.node_endpoints.empty());
  const auto by_id = refuse(16);
  const auto& p = by_id.responses.at(0).partitions.at(0);
  CHECK(error_of(p.error_code) == kafka_error::not_leader_or_follower);
  CHECK(p.current_leader.leader_id == 2);
  CHECK(p.current_leader.leader_epoch == 5);
  REQUIRE(by_id.node_endpoints.size() == 1);
  CHECK(by_id.node_endpoints[0].host == "node2");
  CHECK(
    refuse(11).responses.at(0).partitions.at(0).preferred_read_replica == -1);
}

TEST_CASE("a consumer in another rack is told the follower there at once, "
          "without records",
  "[actors][gateway][cluster]") {
  fixture f{{{"replica.selector.class", "rack-aware"}}};
  auto request = fetch_of("here");
  request.min_bytes = 1;
  request.rack_id = "r3";
  f.send(api_key::fetch, 12, request);
  std::vector<node_id> nearer;
  auto answer = f.asked_of_partition(&nearer);
  CHECK(nearer == std::vector<node_id>{{3}});
  answer.high_watermark = offset{7};
  answer.log_start = offset{0};
  answer.read_from = node_id{3};
  f.answer(answer);
  REQUIRE(f.has_answer()); // though there are fewer than min_bytes
  const auto told = f.take<kafka::fetch_response>(api_key::fetch, 12);
  const auto& p = told.responses.at(0).partitions.at(0);
  CHECK(error_of(p.error_code) == kafka_error::none);
  CHECK(p.preferred_read_replica == 3);
  CHECK(p.high_watermark == 7);
}

TEST_CASE(
  "a consumer is sent nowhere without a reason", "[actors][gateway][cluster]") {
  const auto nearer_for = [](fixture& f, std::string rack, int16_t version,
                            const char* topic = "here") {
    auto request = fetch_of(topic);
    request.rack_id = std::move(rack);
    f.send(api_key::fetch, version, request);
    std::vector<node_id> nearer;
    const auto answer = f.asked_of_partition(&nearer);
    return nearer;
  };
  const std::vector<node_id> nobody;
  {
    fixture by_default;
    CHECK(nearer_for(by_default, "r3", 12) == nobody);
  }
  fixture f{{{"replica.selector.class", "rack-aware"}}};
  SECTION("it says no rack") {
    CHECK(nearer_for(f, "", 12) == nobody);
  }
  SECTION("the leader is in its rack") {
    CHECK(nearer_for(f, "r1", 12) == nobody);
  }
  SECTION("this node does not lead") {
    CHECK(nearer_for(f, "r3", 12, "there") == nobody);
  }
  SECTION("the one in its rack is fenced") {
    f.tell(broker_fenced{{3}, 3, true});
    CHECK(nearer_for(f, "r3", 12) == nobody);
  }
  SECTION("the one in its rack has just gone") {
    caf::anon_send(f.subject, link_change{{3}, link_state::down});
    CHECK(nearer_for(f, "r3", 12) == nobody);
  }
}

TEST_CASE("an answer never tells an older leader epoch than its partition did",
  "[actors][gateway][cluster]") {
  fixture f;
  f.send(api_key::fetch, 12, fetch_of("here"));
  uint64_t ticket = 0;
  f.partition->receive([&](const fetch_asks& asked) {
    ticket = asked.asks.at(0).ticket;
  });
  fetch_answer fenced;
  fenced.ticket = ticket;
  fenced.error = kafka_error::fenced_leader_epoch;
  fenced.current_epoch = leader_epoch{6};
  caf::anon_send(f.subject, fetch_answers{{fenced}});
  f.run();
  const auto refused = f.take<kafka::fetch_response>(api_key::fetch, 12);
  const auto& leader = refused.responses.at(0).partitions.at(0).current_leader;
  CHECK(leader.leader_id == -1);
  CHECK(leader.leader_epoch == 6);
}

TEST_CASE(
  "questions to logs go to their leaders only", "[actors][gateway][cluster]") {
  fixture f;
  kafka::list_offsets_request request;
  request.replica_id = -1;
  auto& t = request.topics.emplace_back();
  t.name = "there";
  t.partitions.push_back({.partition_index = 0, .timestamp = -1});
  const auto answer
    = f.ask<kafka::list_offsets_response>(api_key::list_offsets, 7, request);
  CHECK(error_of(answer.topics.at(0).partitions.at(0).error_code)
        == kafka_error::not_leader_or_follower);
}

TEST_CASE("a group's coordinator is the leader of its partition",
  "[actors][gateway][cluster]") {
  fixture f;
  kafka::find_coordinator_request request;
  // Java's hash codes of "a" and "b" are 97 and 98: partitions 1 and 0.
  request.coordinator_keys = {"a", "b"};
  const auto found = f.ask<kafka::find_coordinator_response>(
    api_key::find_coordinator, 4, request);
  REQUIRE(found.coordinators.size() == 2);
  CHECK(found.coordinators[0].node_id == 2);
  CHECK(found.coordinators[0].host == "node2");
  CHECK(found.coordinators[0].port == 9092);
  CHECK(found.coordinators[1].node_id == 1);
  CHECK(found.coordinators[1].host == "10.0.0.1");
  kafka::find_coordinator_request one;
  one.key = "a";
  CHECK(
    f.ask<kafka::find_coordinator_response>(api_key::find_coordinator, 3, one)
      .node_id
    == 2);
}

TEST_CASE("a group of another node is refused, one whose coordinator is being "
          "loaded is told to wait",
  "[actors][gateway][cluster]") {
  fixture f;
  kafka::heartbeat_request request;
  request.group_id = "a";
  auto refused
    = f.ask<kafka::heartbeat_response>(api_key::heartbeat, 4, request);
  CHECK(error_of(refused.error_code) == kafka_error::not_coordinator);
  request.group_id = "b";
  refused = f.ask<kafka::heartbeat_response>(api_key::heartbeat, 4, request);
  CHECK(
    error_of(refused.error_code) == kafka_error::coordinator_load_in_progress);
}

TEST_CASE("a node lists the groups that it coordinates itself",
  "[actors][gateway][cluster]") {
  fixture f;
  directory_update more;
  more.coordinators.push_back(
    {{offsets_topic_name, 0}, fixture::pointer(f.partition)});
  caf::anon_send(f.subject, std::move(more));
  f.send(api_key::list_groups, 4, kafka::list_groups_request{});
  uint64_t ticket = 0;
  f.partition->receive([&](const group_ask& asked) {
    ticket = asked.ticket;
  });
  CHECK_FALSE(f.partition->has_next_message());
  kafka::list_groups_response groups;
  groups.groups.push_back({.group_id = "b"});
  caf::anon_send(f.subject, group_answer{ticket, groups});
  f.run();
  const auto all = f.take<kafka::list_groups_response>(api_key::list_groups, 4);
  REQUIRE(all.groups.size() == 1);
  CHECK(all.groups[0].group_id == "b");
}

TEST_CASE("offsets of a transaction go to the group's coordinator, those of "
          "topics that exist",
  "[actors][gateway][cluster]") {
  fixture f;
  directory_update more;
  more.coordinators.push_back(
    {{offsets_topic_name, 0}, fixture::pointer(f.partition)});
  caf::anon_send(f.subject, std::move(more));
  kafka::txn_offset_commit_request request;
  request.group_id = "b";
  request.producer_id = 9;
  request.topics.push_back({"here", {{1, 5, -1, ""}, {0, 6, -1, ""}}});
  request.topics.push_back({"new", {{0, 7, -1, ""}}});
  request.topics.push_back({"there", {{0, 8, -1, ""}}});
  f.send(api_key::txn_offset_commit, 5, request);
  f.partition->receive([&](const group_ask& asked) {
    CHECK(asked.version == 5);
    const auto& body
      = std::get<kafka::txn_offset_commit_request>(asked.question);
    CHECK(body.producer_id == 9);
    REQUIRE(body.topics.size() == 2);
    REQUIRE(body.topics[0].partitions.size() == 1);
    CHECK(body.topics[0].partitions[0].committed_offset == 6);
    CHECK(body.topics[1].name == "there");
    kafka::txn_offset_commit_response response;
    response.topics.push_back({"here", {{0, 0}}});
    response.topics.push_back({"there", {{0, 0}}});
    caf::anon_send(f.subject, group_answer{asked.ticket, response});
  });
  f.run();
  const auto all
    = f.take<kafka::txn_offset_commit_response>(api_key::txn_offset_commit, 5);
  std::vector<std::tuple<std::string, int32_t, kafka_error>> told;
  for (const auto& topic : all.topics)
    for (const auto& p : topic.partitions)
      told.emplace_back(topic.name, p.partition_index, error_of(p.error_code));
  const auto unknown = kafka_error::unknown_topic_or_partition;
  CHECK(told
        == decltype(told){{"here", 1, unknown}, {"here", 0, kafka_error::none},
          {"new", 0, unknown}, {"there", 0, kafka_error::none}});
  CHECK(all.topics.size() == 3);
}

TEST_CASE("offsets of a transaction are refused for each partition where there "
          "is no coordinator",
  "[actors][gateway][cluster]") {
  fixture f;
  const auto told = [&](const char* group, int16_t version) {
    kafka::txn_offset_commit_request request;
    request.group_id = group;
    request.topics.push_back({"here", {{0, 6, -1, ""}}});
    const auto answer = f.ask<kafka::txn_offset_commit_response>(
      api_key::txn_offset_commit, version, request);
    return error_of(answer.topics.at(0).partitions.at(0).error_code);
  };
  CHECK(told("a", 5) == kafka_error::not_coordinator);
  CHECK(told("b", 2) == kafka_error::coordinator_load_in_progress);
  // Which older producers could not stand.
  CHECK(told("b", 1) == kafka_error::coordinator_not_available);
  CHECK(told("", 5) == kafka_error::invalid_group_id);
  const auto nothing
    = f.ask<kafka::txn_offset_commit_response>(api_key::txn_offset_commit, 5,
      kafka::txn_offset_commit_request{.group_id = "b"});
  CHECK(nothing.topics.empty());
}

TEST_CASE("without a controller an administrator is told to try again",
  "[actors][gateway][cluster]") {
  fixture f;
  kafka::create_topics_request request;
  request.topics.push_back({.name = "new", .num_partitions = 1});
  f.send(api_key::create_topics, 7, request);
  f.controller->receive([&](const admin_ask& asked) {
    caf::anon_send(f.subject,
      admin_answer{asked.ticket, 0, admin_reply{kafka_error::not_controller}});
  });
  f.run();
  const auto refused
    = f.take<kafka::create_topics_response>(api_key::create_topics, 7);
  REQUIRE(refused.topics.size() == 1);
  CHECK(refused.topics[0].name == "new");
  CHECK(error_of(refused.topics[0].error_code) == kafka_error::not_controller);
  kafka::init_producer_id_request idempotent;
  idempotent.transactional_id.reset();
  f.send(api_key::init_producer_id, 4, idempotent);
  f.controller->receive([&](const admin_ask& asked) {
    caf::anon_send(f.subject,
      admin_answer{asked.ticket, 0, admin_reply{kafka_error::not_controller}});
  });
  f.run();
  const auto none
    = f.take<kafka::init_producer_id_response>(api_key::init_producer_id, 4);
  CHECK(error_of(none.error_code) == kafka_error::coordinator_load_in_progress);
}

TEST_CASE("metadata that names a leader whose link has just broken waits for "
          "the next leader",
  "[actors][gateway][cluster]") {
  fixture f;
  caf::anon_send(f.subject, link_change{{2}, link_state::down});
  kafka::metadata_request request;
  request.topics.emplace();
  request.topics->push_back({uuid{}, "there"});
  f.send(api_key::metadata, 12, request);
  CHECK_FALSE(f.has_answer());
  f.tell(partition_changed{f.image.find_topic("there")->id, led_by(3, 6)});
  REQUIRE(f.has_answer());
  const auto told = f.take<kafka::metadata_response>(api_key::metadata, 12);
  CHECK(told.topics.at(0).partitions.at(0).leader_id == 3);
  CHECK(told.topics.at(0).partitions.at(0).leader_epoch == 6);
}

TEST_CASE("metadata waits for a new leader for a moment only",
  "[actors][gateway][cluster]") {
  fixture f;
  caf::anon_send(f.subject, link_change{{2}, link_state::refused});
  kafka::metadata_request request;
  request.topics.emplace();
  request.topics->push_back({uuid{}, "there"});
  f.send(api_key::metadata, 12, request);
  f.pass(std::chrono::milliseconds{node_absences::answer_waits_ms - 1});
  CHECK_FALSE(f.has_answer());
  f.pass(std::chrono::milliseconds{1});
  REQUIRE(f.has_answer());
  const auto told = f.take<kafka::metadata_response>(api_key::metadata, 12);
  CHECK(told.topics.at(0).partitions.at(0).leader_id == 2);
  // Those that come later do not wait, nor does what others lead.
  CHECK(f.ask<kafka::metadata_response>(api_key::metadata, 12, request)
          .topics.at(0)
          .partitions.at(0)
          .leader_id
        == 2);
}

TEST_CASE(
  "metadata of what others lead does not wait", "[actors][gateway][cluster]") {
  fixture f;
  caf::anon_send(f.subject, link_change{{2}, link_state::down});
  kafka::metadata_request request;
  request.topics.emplace();
  request.topics->push_back({uuid{}, "here"});
  f.send(api_key::metadata, 12, request);
  CHECK(f.has_answer());
  f.received.clear();
  caf::anon_send(f.subject, link_change{{2}, link_state::up});
  request.topics->front().name = "there";
  f.send(api_key::metadata, 12, request);
  CHECK(f.has_answer());
}

TEST_CASE("a broker that has just been shut out is told for a while",
  "[actors][gateway][cluster]") {
  fixture f;
  f.tell(broker_fenced{{2}, 2, true});
  kafka::metadata_request request;
  request.topics.emplace();
  const auto count = [&] {
    return f.ask<kafka::metadata_response>(api_key::metadata, 12, request)
      .brokers.size();
  };
  CHECK(count() == 3);
  f.pass(std::chrono::milliseconds{node_absences::still_told_ms});
  CHECK(count() == 2);
}
