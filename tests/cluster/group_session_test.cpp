#include "tests/cluster/group_host.hpp"

namespace millrace {

using test::group_host;

namespace {

/// Two members that have joined and not synced yet.
struct joined_pair {
  std::string leader;
  std::string follower;
};

joined_pair join_two(group_host& host) {
  const auto a = host.join_with_id("g", {});
  const auto b = host.join_with_id("g", {});
  host.advance(6'000);
  auto first = host.joined(a).member_id;
  auto second = host.joined(b).member_id;
  if (host.joined(a).leader != first)
    std::swap(first, second);
  return {first, second};
}

} // namespace

TEST_CASE("a follower's sync waits for the leader's assignment",
  "[cluster][group_session]") {
  group_host host;
  const auto [leader, follower] = join_two(host);
  const auto waits = host.sync("g", follower, 1);
  CHECK_FALSE(host.answered(waits));
  const auto assigns
    = host.sync("g", leader, 1, {{leader, "L"}, {follower, "F"}});
  CHECK(host.synced(assigns).assignment == "L");
  CHECK(host.synced(waits).assignment == "F");
  CHECK(host.synced(waits).protocol_name == "range");
  CHECK(host.synced(waits).protocol_type == "consumer");
  CHECK(host.phase("g") == group_phase::stable);
}

TEST_CASE("a sync after the assignment is answered at once",
  "[cluster][group_session]") {
  group_host host;
  const auto [leader, follower] = join_two(host);
  host.sync("g", leader, 1, {{leader, "L"}, {follower, "F"}});
  CHECK(host.synced(host.sync("g", follower, 1)).assignment == "F");
}

TEST_CASE("R20: nobody learns an assignment before it is durable",
  "[cluster][group_session]") {
  group_host host;
  const auto [leader, follower] = join_two(host);
  host.appends_at_once = false;
  const auto waits = host.sync("g", follower, 1);
  const auto assigns = host.sync("g", leader, 1, {{leader, "L"}});
  CHECK_FALSE(host.answered(assigns));
  CHECK_FALSE(host.answered(waits));
  CHECK(host.phase("g") == group_phase::completing_rebalance);
  host.end_append(kafka_error::none);
  CHECK(host.synced(assigns).assignment == "L");
  // The leader forgot it.
  CHECK(host.synced(waits).assignment.empty());
  CHECK(host.sync_error(waits) == kafka_error::none);
}

TEST_CASE("R20: an assignment that cannot be written is refused and starts "
          "over",
  "[cluster][group_session]") {
  group_host host;
  const auto [leader, follower] = join_two(host);
  host.appends_at_once = false;
  const auto waits = host.sync("g", follower, 1);
  const auto assigns = host.sync("g", leader, 1, {{leader, "L"}});
  host.end_append(kafka_error::not_leader_or_follower);
  CHECK(host.sync_error(assigns) == kafka_error::not_coordinator);
  CHECK(host.sync_error(waits) == kafka_error::not_coordinator);
  CHECK(host.phase("g") == group_phase::preparing_rebalance);
}

TEST_CASE("an assignment of a generation that is over changes nothing",
  "[cluster][group_session]") {
  group_host host;
  const auto [leader, follower] = join_two(host);
  host.appends_at_once = false;
  const auto assigns = host.sync("g", leader, 1, {{leader, "old"}});
  host.join("g", {.member_id = follower, .protocols = {{"range", "changed"}}});
  CHECK(host.sync_error(assigns) == kafka_error::rebalance_in_progress);
  const auto again = host.join("g", {.member_id = leader});
  REQUIRE(host.joined(again).generation_id == 2);
  host.end_append(kafka_error::none);
  CHECK(host.phase("g") == group_phase::completing_rebalance);
  CHECK(host.group("g")->members().at(leader).assignment.empty());
}

TEST_CASE("R20: the record of a generation that is over does not publish the "
          "assignment of the next one",
  "[cluster][group_session]") {
  group_host host;
  const auto [leader, follower] = join_two(host);
  host.appends_at_once = false;
  host.sync("g", leader, 1, {{leader, "old"}});
  host.join("g", {.member_id = follower, .protocols = {{"range", "changed"}}});
  const auto again = host.join("g", {.member_id = leader});
  REQUIRE(host.joined(again).generation_id == 2);
  const auto assigns = host.sync("g", leader, 2, {{leader, "new"}});
  REQUIRE(host.appends.size() == 2);
  host.end_append(kafka_error::none);
  CHECK_FALSE(host.answered(assigns));
  CHECK(host.phase("g") == group_phase::completing_rebalance);
  host.end_append(kafka_error::none);
  CHECK(host.synced(assigns).assignment == "new");
}

TEST_CASE("a leader's second sync while the first is written adds no record",
  "[cluster][group_session]") {
  group_host host;
  const auto [leader, follower] = join_two(host);
  host.appends_at_once = false;
  const auto first = host.sync("g", leader, 1, {{leader, "L"}});
  const auto second = host.sync("g", leader, 1, {{leader, "other"}});
  CHECK(host.appends.size() == 1);
  CHECK(host.sync_error(first) == kafka_error::rebalance_in_progress);
  host.end_append(kafka_error::none);
  CHECK(host.synced(second).assignment == "L");
}

TEST_CASE("a sync is refused with the reason", "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  CHECK(
    host.sync_error(host.sync("", ids[0], 1)) == kafka_error::invalid_group_id);
  CHECK(host.sync_error(host.sync("other", ids[0], 1))
        == kafka_error::unknown_member_id);
  CHECK(host.sync_error(host.sync("g", "ghost", 1))
        == kafka_error::unknown_member_id);
  CHECK(host.sync_error(host.sync("g", ids[0], 0))
        == kafka_error::illegal_generation);
  host.join("g", {.member_id = ids[0]});
  CHECK(host.sync_error(host.sync("g", ids[1], 1))
        == kafka_error::rebalance_in_progress);
}

TEST_CASE("from version 5 a sync names the protocol that it believes in",
  "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  kafka::sync_group_request request;
  request.group_id = "g";
  request.member_id = ids[0];
  request.generation_id = 1;
  request.protocol_type = "consumer";
  request.protocol_name = "range";
  CHECK(host.sync_error(host.send(5, request)) == kafka_error::none);
  request.protocol_name = "roundrobin";
  CHECK(host.sync_error(host.send(5, request))
        == kafka_error::inconsistent_group_protocol);
  request.protocol_name.reset();
  request.protocol_type = "connect";
  CHECK(host.sync_error(host.send(5, request))
        == kafka_error::inconsistent_group_protocol);
}

TEST_CASE("members that do not sync within the rebalance time-out are out",
  "[cluster][group_session]") {
  group_host host;
  const auto a = host.join("g", {.version = 3, .session_timeout_ms = 300'000});
  const auto b = host.join("g", {.version = 3, .session_timeout_ms = 300'000});
  host.advance(6'000);
  const auto leader = host.joined(a).leader;
  const auto follower = host.joined(a).member_id == leader
                          ? host.joined(b).member_id
                          : host.joined(a).member_id;
  const auto waits = host.sync("g", follower, 1);
  host.advance(59'999);
  CHECK_FALSE(host.answered(waits));
  host.advance(1);
  CHECK(host.sync_error(waits) == kafka_error::rebalance_in_progress);
  CHECK(host.group("g")->members().size() == 1);
  CHECK_FALSE(host.group("g")->find(leader));
}

TEST_CASE("a leader that dies before it assigns is replaced",
  "[cluster][group_session]") {
  group_host host;
  const auto [leader, follower] = join_two(host);
  const auto waits = host.sync("g", follower, 1);
  host.advance(10'000);
  CHECK(host.sync_error(waits) == kafka_error::rebalance_in_progress);
  const auto again = host.join("g", {.member_id = follower});
  CHECK(host.joined(again).leader == follower);
}

TEST_CASE("a heartbeat keeps a session alive", "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  for (int i = 0; i < 10; ++i) {
    host.advance(9'999);
    REQUIRE(host.heartbeat("g", ids[0], 1) == kafka_error::none);
  }
  host.advance(10'000);
  CHECK(host.heartbeat("g", ids[0], 1) == kafka_error::unknown_member_id);
  CHECK(host.phase("g") == group_phase::empty);
  CHECK(host.group("g")->generation() == 2);
}

TEST_CASE(
  "a heartbeat is refused with the reason", "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  CHECK(host.heartbeat("", ids[0], 1) == kafka_error::invalid_group_id);
  CHECK(host.heartbeat("other", ids[0], 1) == kafka_error::unknown_member_id);
  CHECK(host.heartbeat("g", "ghost", 1) == kafka_error::unknown_member_id);
  CHECK(host.heartbeat("g", ids[0], 2) == kafka_error::illegal_generation);
}

TEST_CASE("between join and assignment heartbeats are welcome",
  "[cluster][group_session]") {
  group_host host;
  const auto [leader, follower] = join_two(host);
  CHECK(host.heartbeat("g", follower, 1) == kafka_error::none);
}

TEST_CASE(
  "a dead member's partitions go to the others", "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 3);
  for (int i = 0; i < 3; ++i) {
    host.advance(4'000);
    for (const auto& id : {ids[0], ids[1]})
      host.heartbeat("g", id, 1);
  }
  CHECK(host.heartbeat("g", ids[0], 1) == kafka_error::rebalance_in_progress);
  const auto a = host.join("g", {.member_id = ids[0]});
  const auto b = host.join("g", {.member_id = ids[1]});
  CHECK(host.joined(a).generation_id == 2);
  CHECK(host.joined(b).generation_id == 2);
  CHECK(host.joined(a).members.size() == 2);
}

TEST_CASE("a member that waits for a rebalance needs no heartbeat",
  "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  const auto waits = host.join("g", {.member_id = ids[0]});
  for (int i = 0; i < 5; ++i) {
    host.advance(9'000);
    host.heartbeat("g", ids[1], 1);
  }
  CHECK_FALSE(host.answered(waits));
  CHECK(host.group("g")->members().size() == 2);
}

TEST_CASE("who leaves starts a rebalance", "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  const auto token = host.leave("g", ids[1]);
  CHECK(host.leave_error(token) == kafka_error::none);
  CHECK(host.phase("g") == group_phase::preparing_rebalance);
  const auto again = host.join("g", {.member_id = ids[0]});
  CHECK(host.joined(again).members.size() == 1);
}

TEST_CASE("the last who leaves empties the group, and is told once that is "
          "durable",
  "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  host.appends_at_once = false;
  const auto token = host.leave("g", ids[0]);
  CHECK(host.phase("g") == group_phase::empty);
  CHECK(host.group("g")->generation() == 2);
  CHECK_FALSE(host.answered(token));
  host.end_append(kafka_error::none);
  CHECK(host.leave_error(token) == kafka_error::none);
}

TEST_CASE("up to version 2 the error of a leave is the answer's",
  "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  kafka::leave_group_request request;
  request.group_id = "g";
  request.member_id = "ghost";
  const auto ghost = host.send(2, request);
  CHECK(host.error<kafka::leave_group_response>(ghost)
        == kafka_error::unknown_member_id);
  CHECK(host.answer<kafka::leave_group_response>(ghost).members.empty());
  request.member_id = ids[0];
  CHECK(host.error<kafka::leave_group_response>(host.send(2, request))
        == kafka_error::none);
  CHECK(host.phase("g") == group_phase::empty);
}

TEST_CASE("one leave takes out many, each with its own error",
  "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 3);
  kafka::leave_group_request request;
  request.group_id = "g";
  for (const auto& id : {ids[0], std::string("ghost"), ids[1]})
    request.members.push_back({id, {}, {}});
  const auto token = host.send(3, request);
  const auto& answer = host.answer<kafka::leave_group_response>(token);
  CHECK(answer.error_code == 0);
  REQUIRE(answer.members.size() == 3);
  CHECK(answer.members[0].error_code == 0);
  CHECK(answer.members[1].error_code
        == static_cast<int16_t>(kafka_error::unknown_member_id));
  CHECK(answer.members[2].error_code == 0);
  CHECK(host.group("g")->members().size() == 1);
}

TEST_CASE(
  "a member that was only told its id may leave", "[cluster][group_session]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  const auto id = host.joined(host.join("g")).member_id;
  CHECK(host.leave_error(host.leave("g", id)) == kafka_error::none);
  CHECK(host.group("g")->pending().empty());
  CHECK(host.phase("g") == group_phase::stable);
}

TEST_CASE("a member that leaves while it waits is told so",
  "[cluster][group_session]") {
  group_host host;
  std::string id;
  const auto waits = host.join_with_id("g", {}, &id);
  CHECK(host.leave_error(host.leave("g", id)) == kafka_error::none);
  CHECK(host.join_error(waits) == kafka_error::unknown_member_id);
  host.advance(3'000);
  CHECK(host.phase("g") == group_phase::empty);
}

TEST_CASE("leaving what is not there is refused", "[cluster][group_session]") {
  group_host host;
  CHECK(host.error<kafka::leave_group_response>(host.leave("", "m"))
        == kafka_error::invalid_group_id);
  const auto token = host.leave("none", "m");
  const auto& each = host.answer<kafka::leave_group_response>(token);
  CHECK(each.error_code == 0);
  REQUIRE(each.members.size() == 1);
  CHECK(each.members[0].member_id == "m");
  CHECK(host.leave_error(token) == kafka_error::unknown_member_id);
  kafka::leave_group_request older;
  older.group_id = "none";
  older.member_id = "m";
  CHECK(host.error<kafka::leave_group_response>(host.send(2, older))
        == kafka_error::unknown_member_id);
}

} // namespace millrace
