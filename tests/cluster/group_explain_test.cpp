#include "tests/cluster/group_host.hpp"

// What `millrace group explain` asks: why groups have rebalanced lately.

namespace millrace {

using test::group_host;
using test::join_options;

namespace {

const kafka::explain_group_response& explained(
  group_host& host, const std::string& group) {
  return host.answer<kafka::explain_group_response>(
    host.send(0, kafka::explain_group_request{group}));
}

} // namespace

TEST_CASE("a classic group tells who has made it rebalance, and for how long",
  "[cluster][group_explain]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  const auto& first = explained(host, "g");
  CHECK(first.error_code == 0);
  REQUIRE(first.rebalances.size() == 1);
  CHECK(first.rebalances[0].epoch == 1);
  CHECK(first.rebalances[0].reason == "joined");
  CHECK(first.rebalances[0].duration_ms == 6'000); // the initial delay, twice
  kafka::leave_group_request request;
  request.group_id = "g";
  request.members.push_back({ids[1], {}, "the consumer is closed"});
  host.send(5, request);
  const auto& then = explained(host, "g");
  REQUIRE(then.rebalances.size() == 2);
  CHECK(then.rebalances[1].epoch == 2);
  CHECK(then.rebalances[1].member_id == ids[1]);
  CHECK(then.rebalances[1].reason == "left: the consumer is closed");
  CHECK(then.rebalances[1].duration_ms == -1); // the other one has to come
  join_options again;
  again.member_id = ids[0];
  host.advance(500);
  host.join("g", again);
  host.sync("g", ids[0], 2, {{ids[0], "all"}});
  CHECK(explained(host, "g").rebalances[1].duration_ms == 500);
  host.advance(30'000);
  CHECK(explained(host, "g").rebalances.back().reason == "session timed out");
}

TEST_CASE("a group whose coordinator assigns tells the same",
  "[cluster][group_explain]") {
  group_host host;
  host.registry.set_topics(std::make_shared<topic_view>(
    1, std::vector<topic_view::topic>{{"t", uuid{0, 7}, 1}}));
  kafka::consumer_group_heartbeat_request request;
  request.group_id = "g";
  request.member_id = "m";
  request.rebalance_timeout_ms = 60'000;
  request.subscribed_topic_names = {"t"};
  request.topic_partitions.emplace();
  host.send(1, request);
  const auto& told = explained(host, "g");
  REQUIRE(told.rebalances.size() == 1);
  CHECK(told.rebalances[0].member_id == "m");
  CHECK(told.rebalances[0].reason == "joined");
  CHECK(told.rebalances[0].duration_ms == 0);
}

TEST_CASE("a group that is not there has nothing to explain",
  "[cluster][group_explain]") {
  group_host host;
  CHECK(explained(host, "g").error_code
        == static_cast<int16_t>(kafka_error::group_id_not_found));
}

} // namespace millrace
