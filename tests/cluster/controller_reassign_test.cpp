// Elections and reassignments that somebody asks for.
#include "cluster/reassignment_answers.hpp"
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;
using millrace::test::clustered;
using millrace::test::controller;
using millrace::test::error_of;

namespace {

using nodes = std::vector<node_id>;

kafka_error reassign(controller& c, std::optional<std::vector<int32_t>> to,
  bool may_change_count = true) {
  kafka::alter_partition_reassignments_request request;
  request.allow_replication_factor_change = may_change_count;
  request.topics.push_back({"t", {{0, std::move(to)}}});
  const auto response = c.ask(request);
  return error_of(response.responses.at(0).partitions.at(0).error_code);
}

kafka_error ask_isr(controller& c, nodes isr) {
  const auto p = c.partition();
  change_isr request{p.leader, c.image().find_broker(p.leader)->broker_epoch,
    c.image().find_topic("t")->id, p.index, p.epoch, p.partition_epoch, {}};
  for (const auto id : isr)
    request.isr.push_back({id, -1});
  return c.ask(request).error;
}

/// t-0 on brokers 0 and 1 of five, led by 0.
void create_by_hand(controller& c) {
  kafka::create_topics_request request;
  request.topics.push_back({"t", -1, -1, {{0, {0, 1}}}, {}});
  REQUIRE(c.ask(request).topics.at(0).error_code == 0);
}

kafka_error elect(controller& c, int8_t type) {
  kafka::elect_leaders_request request;
  request.election_type = type;
  request.topic_partitions.emplace();
  request.topic_partitions->push_back({"t", {0}});
  return error_of(c.ask(request)
      .replica_election_results.at(0)
      .partition_result.at(0)
      .error_code);
}

} // namespace

TEST_CASE("the old replicas go when all new ones are in sync (KIP-455)",
  "[cluster][controller_reassign]") {
  controller c{5, clustered()};
  create_by_hand(c);
  REQUIRE(reassign(c, std::vector<int32_t>{2, 3}) == kafka_error::none);
  CHECK(c.partition().replicas == nodes{{2}, {3}, {0}, {1}});
  CHECK(c.partition().adding == nodes{{2}, {3}});
  CHECK(c.partition().removing == nodes{{0}, {1}});
  CHECK(c.partition().leader == node_id{0});
  CHECK(c.partition().directories.size() == 4);
  const auto listed = answer_list_reassignments({}, c.image());
  REQUIRE(listed.topics.size() == 1);
  CHECK(listed.topics[0].partitions.at(0).adding_replicas
        == std::vector<int32_t>{2, 3});
  REQUIRE(ask_isr(c, {{0}, {1}, {2}}) == kafka_error::none);
  CHECK(c.partition().replicas.size() == 4); // 3 is not there yet
  const auto epoch = c.partition().epoch;
  REQUIRE(ask_isr(c, {{0}, {1}, {2}, {3}}) == kafka_error::none);
  CHECK(c.partition().replicas == nodes{{2}, {3}});
  CHECK(c.partition().isr == nodes{{2}, {3}});
  CHECK(c.partition().leader == node_id{2});
  CHECK(c.partition().epoch > epoch);
  CHECK(c.partition().directories == std::vector{uuid{77, 2}, uuid{77, 3}});
  CHECK(answer_list_reassignments({}, c.image()).topics.empty());
  // Somebody who led once is shut out without a trace.
  c.fence({{0}});
  CHECK(c.partition().isr == nodes{{2}, {3}});
}

TEST_CASE("a reassignment that is cancelled leaves what was before",
  "[cluster][controller_reassign]") {
  controller c{5, clustered()};
  create_by_hand(c);
  const auto before = c.partition();
  CHECK(reassign(c, std::nullopt) == kafka_error::no_reassignment_in_progress);
  REQUIRE(reassign(c, std::vector<int32_t>{0, 4}) == kafka_error::none);
  CHECK(c.partition().adding == nodes{{4}});
  CHECK(c.partition().removing == nodes{{1}});
  // A second one builds on what there is, not on what was wanted.
  REQUIRE(reassign(c, std::vector<int32_t>{3, 1}) == kafka_error::none);
  CHECK(c.partition().adding == nodes{{3}});
  CHECK(c.partition().removing == nodes{{0}, {4}});
  REQUIRE(reassign(c, std::nullopt) == kafka_error::none);
  CHECK(c.partition().adding.empty());
  CHECK(c.partition().removing.empty());
  CHECK(c.partition().leader == node_id{0});
  CHECK(c.partition().isr == before.isr);
}

TEST_CASE("fewer replicas, or another order, need nobody to join",
  "[cluster][controller_reassign]") {
  controller c{5, clustered()};
  create_by_hand(c);
  REQUIRE(reassign(c, std::vector<int32_t>{1, 0}) == kafka_error::none);
  CHECK(c.partition().replicas == nodes{{1}, {0}});
  CHECK(c.partition().leader == node_id{0});
  CHECK(reassign(c, std::vector<int32_t>{1}, false)
        == kafka_error::invalid_replication_factor);
  REQUIRE(reassign(c, std::vector<int32_t>{1}) == kafka_error::none);
  CHECK(c.partition().replicas == nodes{{1}});
  CHECK(c.partition().leader == node_id{1});
}

TEST_CASE("impossible reassignments are refused one by one",
  "[cluster][controller_reassign]") {
  controller c{3, clustered()};
  create_by_hand(c);
  CHECK(reassign(c, std::vector<int32_t>{})
        == kafka_error::invalid_replica_assignment);
  CHECK(reassign(c, std::vector<int32_t>{0, 9})
        == kafka_error::invalid_replica_assignment);
  CHECK(reassign(c, std::vector<int32_t>{0, 0})
        == kafka_error::invalid_replica_assignment);
  kafka::alter_partition_reassignments_request request;
  request.topics.push_back({"nowhere", {{0, std::vector<int32_t>{0}}}});
  CHECK(error_of(c.ask(request).responses.at(0).partitions.at(0).error_code)
        == kafka_error::unknown_topic_or_partition);
}

TEST_CASE("a partition that is named twice is moved once, if both times say so",
  "[cluster][controller_reassign]") {
  controller c{3, clustered()};
  create_by_hand(c);
  const auto codes_of = [&](nodes first, nodes second) {
    kafka::alter_partition_reassignments_request request;
    for (const auto& to : {first, second}) {
      std::vector<int32_t> ids;
      for (const auto id : to)
        ids.push_back(id.value);
      request.topics.push_back({"t", {{0, ids}}});
    }
    std::vector<kafka_error> codes;
    for (const auto& topic : c.ask(request).responses)
      codes.push_back(error_of(topic.partitions.at(0).error_code));
    return codes;
  };
  using codes = std::vector<kafka_error>;
  constexpr auto wrong = kafka_error::invalid_replica_assignment;
  CHECK(codes_of({{0}, {0}}, {{0}, {0}}) == codes{wrong, wrong});
  CHECK(codes_of({{1}, {0}}, {{0}, {1}})
        == codes{kafka_error::none, kafka_error::invalid_request});
  CHECK(c.partition().replicas == nodes{{1}, {0}});
  CHECK(codes_of({{0}, {1}}, {{0}, {1}})
        == codes{kafka_error::none, kafka_error::none});
  CHECK(c.partition().replicas == nodes{{0}, {1}});
}

TEST_CASE("the preferred replica leads again when it is asked to (KIP-460)",
  "[cluster][controller_reassign]") {
  controller c{3, clustered()};
  create_by_hand(c);
  CHECK(elect(c, 0) == kafka_error::election_not_needed);
  c.fence({{0}});
  REQUIRE(c.partition().leader == node_id{1});
  CHECK(elect(c, 0) == kafka_error::preferred_leader_not_available);
  c.start(0, 2);
  CHECK(elect(c, 0) == kafka_error::preferred_leader_not_available);
  REQUIRE(ask_isr(c, {{0}, {1}}) == kafka_error::none);
  const auto epoch = c.partition().epoch;
  // All that need it, and no others.
  kafka::elect_leaders_request all;
  all.topic_partitions.reset();
  const auto response = c.ask(all);
  REQUIRE(response.replica_election_results.size() == 1);
  CHECK(response.replica_election_results[0].partition_result.at(0).error_code
        == 0);
  CHECK(c.partition().leader == node_id{0});
  CHECK(c.partition().epoch > epoch);
  CHECK(c.ask(all).replica_election_results.empty());
}

TEST_CASE("an unclean election is held when it is asked for, and needed",
  "[cluster][controller_reassign]") {
  controller c{3, clustered()};
  create_by_hand(c);
  CHECK(elect(c, 1) == kafka_error::election_not_needed);
  REQUIRE(ask_isr(c, {{0}}) == kafka_error::none);
  c.fence({{0}, {1}});
  CHECK(elect(c, 1) == kafka_error::eligible_leaders_not_available);
  c.start(1, 2);
  REQUIRE(c.partition().leader == no_node);
  CHECK(elect(c, 1) == kafka_error::none);
  CHECK(c.partition().leader == node_id{1});
  CHECK(c.partition().isr == nodes{{1}});
  kafka::elect_leaders_request unknown;
  unknown.election_type = 7;
  CHECK(c.ask(unknown).error_code == 0); // of nothing nothing can be wrong
  unknown.topic_partitions = {{{"t", {0}}}};
  CHECK(error_of(c.ask(unknown).error_code) == kafka_error::invalid_request);
}

TEST_CASE("a partition named twice is elected once and told so twice",
  "[cluster][controller_reassign]") {
  controller c{3, clustered()};
  create_by_hand(c);
  c.fence({{0}});
  c.start(0, 2);
  REQUIRE(ask_isr(c, {{0}, {1}}) == kafka_error::none);
  const auto epoch = c.partition().epoch;
  kafka::elect_leaders_request request;
  request.topic_partitions = {{{"t", {0, 0}}}};
  const auto response = c.ask(request);
  const auto& told = response.replica_election_results.at(0).partition_result;
  REQUIRE(told.size() == 2);
  CHECK(told[0].error_code == 0);
  CHECK(told[1].error_code == 0);
  CHECK(c.partition().leader == node_id{0});
  CHECK(c.partition().epoch.value == epoch.value + 1);
}

TEST_CASE("a reassignment of nothing is answered with defaults",
  "[cluster][controller_reassign]") {
  controller c{3, clustered()};
  create_by_hand(c);
  kafka::alter_partition_reassignments_request request;
  request.allow_replication_factor_change = false;
  CHECK(c.ask(request).error_message == "");
  CHECK(c.ask(request).allow_replication_factor_change);
  request.topics.push_back({"t", {{0, std::nullopt}}});
  CHECK_FALSE(c.ask(request).error_message);
}

TEST_CASE("a broker that is taken off the list leads nothing",
  "[cluster][controller_reassign]") {
  controller c{3, clustered()};
  create_by_hand(c);
  CHECK(error_of(c.ask(kafka::unregister_broker_request{0}).error_code)
        == kafka_error::none);
  CHECK(c.image().find_broker({0}) == nullptr);
  CHECK(c.partition().leader == node_id{1});
  CHECK(error_of(c.ask(kafka::unregister_broker_request{0}).error_code)
        == kafka_error::broker_id_not_registered);
  c.start(0, 2); // and may come back
}
