#include "tests/cluster/group_host.hpp"

namespace millrace {

using test::group_host;
using test::join_options;

TEST_CASE("from version 4 a new member is told its id and comes back with it",
  "[cluster][group_join]") {
  group_host host;
  const auto first = host.join("g", {.client_id = "app"});
  CHECK(host.join_error(first) == kafka_error::member_id_required);
  const auto id = host.joined(first).member_id;
  // The client's id, a dash and a uuid.
  CHECK(id == "app-00000000-0000-0000-0000-000000000001");
  CHECK(host.phase("g") == group_phase::empty);
  const auto second = host.join("g", {.member_id = id});
  CHECK_FALSE(host.answered(second));
  CHECK(host.phase("g") == group_phase::preparing_rebalance);
}

TEST_CASE(
  "before version 4 a new member joins at once", "[cluster][group_join]") {
  group_host host;
  const auto token = host.join("g", {.version = 3});
  CHECK_FALSE(host.answered(token));
  host.advance(3'000);
  CHECK(host.joined(token).generation_id == 1);
  CHECK(host.joined(token).leader == host.joined(token).member_id);
}

TEST_CASE("a member that was told its id and does not come is forgotten after "
          "its session time-out",
  "[cluster][group_join]") {
  group_host host;
  const auto token = host.join("g");
  CHECK(host.group("g")->pending().size() == 1);
  host.advance(9'999);
  CHECK(host.group("g"));
  host.advance(1);
  CHECK_FALSE(host.group("g"));
  const auto late = host.join("g", {.member_id = host.joined(token).member_id});
  CHECK(host.join_error(late) == kafka_error::unknown_member_id);
}

TEST_CASE("a rebalance waits for a member that was told its id",
  "[cluster][group_join]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  const auto announced = host.join("g");
  const auto rejoin = host.join("g", {.member_id = ids[0]});
  CHECK_FALSE(host.answered(rejoin));
  const auto second
    = host.join("g", {.member_id = host.joined(announced).member_id});
  CHECK(host.joined(rejoin).generation_id == 2);
  CHECK(host.joined(second).generation_id == 2);
}

TEST_CASE("a rebalance goes on when an announced member does not come",
  "[cluster][group_join]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  host.join("g");
  const auto rejoin = host.join("g", {.member_id = ids[0]});
  CHECK_FALSE(host.answered(rejoin));
  host.advance(10'000);
  CHECK(host.joined(rejoin).generation_id == 2);
}

TEST_CASE(
  "the first rebalance waits the initial delay", "[cluster][group_join]") {
  group_host host;
  const auto token = host.join_with_id("g", {});
  host.advance(2'999);
  CHECK_FALSE(host.answered(token));
  host.advance(1);
  CHECK(host.joined(token).generation_id == 1);
}

TEST_CASE(
  "members that come in the initial delay extend it", "[cluster][group_join]") {
  group_host host;
  const auto first = host.join_with_id("g", {});
  host.advance(2'000);
  const auto second = host.join_with_id("g", {});
  host.advance(1'000); // 3 s: someone came, so wait another 3 s
  CHECK_FALSE(host.answered(first));
  host.advance(2'999);
  CHECK_FALSE(host.answered(first));
  host.advance(1);
  CHECK(host.joined(first).generation_id == 1);
  CHECK(host.joined(second).generation_id == 1);
}

TEST_CASE("the initial delay ends with the rebalance time-out, however many "
          "come",
  "[cluster][group_join]") {
  group_host host;
  const auto first
    = host.join("g", {.version = 3, .rebalance_timeout_ms = 7'000});
  // A new member every second; 3 + 3 + 1 seconds are allowed.
  for (int second = 0; second < 6; ++second) {
    host.advance(1'000);
    host.join("g", {.version = 3, .rebalance_timeout_ms = 7'000});
    CHECK_FALSE(host.answered(first));
  }
  host.advance(1'000);
  CHECK(host.joined(first).members.size() == 7);
}

TEST_CASE("without an initial delay the first member starts at once",
  "[cluster][group_join]") {
  group_host host{{.initial_rebalance_delay_ms = 0}};
  const auto token = host.join_with_id("g", {});
  CHECK(host.joined(token).generation_id == 1);
}

TEST_CASE("the leader is given all members and their metadata, others none",
  "[cluster][group_join]") {
  group_host host;
  const auto a = host.join_with_id("g", {.protocols = {{"range", "of a"}}});
  const auto b = host.join_with_id("g", {.protocols = {{"range", "of b"}}});
  host.advance(6'000);
  const auto& leader = host.joined(a);
  REQUIRE(leader.leader == leader.member_id);
  REQUIRE(leader.members.size() == 2);
  CHECK(leader.members[0].metadata == "of a");
  CHECK(leader.members[1].metadata == "of b");
  CHECK(leader.protocol_name == "range");
  CHECK(leader.protocol_type == "consumer");
  CHECK(host.joined(b).members.empty());
  CHECK(host.joined(b).leader == leader.member_id);
}

TEST_CASE(
  "the protocol that all know and most prefer wins", "[cluster][group_join]") {
  group_host host;
  const auto a = host.join(
    "g", {.version = 3, .protocols = {{"x", ""}, {"range", ""}, {"rr", ""}}});
  host.join("g", {.version = 3, .protocols = {{"rr", ""}, {"range", ""}}});
  host.join("g", {.version = 3, .protocols = {{"rr", ""}, {"range", ""}}});
  host.advance(6'000);
  CHECK(host.joined(a).protocol_name == "rr");
}

TEST_CASE(
  "a member without a protocol in common is refused", "[cluster][group_join]") {
  group_host host;
  host.stable_group("g", 1);
  const auto other = host.join("g", {.protocols = {{"sticky", ""}}});
  CHECK(host.join_error(other) == kafka_error::inconsistent_group_protocol);
  const auto connect = host.join("g", {.protocol_type = "connect"});
  CHECK(host.join_error(connect) == kafka_error::inconsistent_group_protocol);
}

TEST_CASE("an empty group takes only members with a protocol",
  "[cluster][group_join]") {
  group_host host;
  CHECK(host.join_error(host.join("g", {.protocols = {}}))
        == kafka_error::inconsistent_group_protocol);
  CHECK(host.join_error(host.join("g", {.protocol_type = ""}))
        == kafka_error::inconsistent_group_protocol);
  CHECK_FALSE(host.group("g"));
}

TEST_CASE(
  "a session time-out outside the bounds is refused", "[cluster][group_join]") {
  group_host host;
  CHECK(host.join_error(host.join("g", {.session_timeout_ms = 5'999}))
        == kafka_error::invalid_session_timeout);
  CHECK(host.join_error(host.join("g", {.session_timeout_ms = 1'800'001}))
        == kafka_error::invalid_session_timeout);
}

TEST_CASE("a group without a name cannot be joined", "[cluster][group_join]") {
  group_host host;
  CHECK(host.join_error(host.join("")) == kafka_error::invalid_group_id);
}

TEST_CASE("an id that nobody gave out is unknown", "[cluster][group_join]") {
  group_host host;
  CHECK(host.join_error(host.join("g", {.member_id = "ghost"}))
        == kafka_error::unknown_member_id);
  host.stable_group("g", 1);
  CHECK(host.join_error(host.join("g", {.member_id = "ghost"}))
        == kafka_error::unknown_member_id);
}

TEST_CASE("before version 7 a refusal has an empty protocol name, then null",
  "[cluster][group_join]") {
  group_host host;
  CHECK(host.joined(host.join("", {.version = 6})).protocol_name == "");
  CHECK_FALSE(host.joined(host.join("", {.version = 7})).protocol_name);
}

TEST_CASE("in a stable group a follower that joins unchanged is answered at "
          "once",
  "[cluster][group_join]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  const auto token = host.join("g", {.member_id = ids[1]});
  CHECK(host.joined(token).generation_id == 1);
  CHECK(host.joined(token).members.empty());
  CHECK(host.phase("g") == group_phase::stable);
}

TEST_CASE("in a stable group a leader that joins starts a rebalance",
  "[cluster][group_join]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  const auto leader = host.join("g", {.member_id = ids[0]});
  CHECK(host.phase("g") == group_phase::preparing_rebalance);
  CHECK(host.heartbeat("g", ids[1], 1) == kafka_error::rebalance_in_progress);
  const auto follower = host.join("g", {.member_id = ids[1]});
  CHECK(host.joined(leader).generation_id == 2);
  CHECK(host.joined(follower).generation_id == 2);
  CHECK(host.joined(leader).members.size() == 2);
}

TEST_CASE("a follower with other metadata starts a rebalance",
  "[cluster][group_join]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  host.join("g", {.member_id = ids[1], .protocols = {{"range", "new"}}});
  CHECK(host.phase("g") == group_phase::preparing_rebalance);
}

TEST_CASE("a member that joins again before the assignment gets its answer "
          "again",
  "[cluster][group_join]") {
  group_host host;
  std::string leader_id;
  host.join_with_id("g", {}, &leader_id);
  host.advance(3'000);
  REQUIRE(host.phase("g") == group_phase::completing_rebalance);
  const auto again = host.join("g", {.member_id = leader_id});
  CHECK(host.joined(again).generation_id == 1);
  CHECK(host.joined(again).members.size() == 1);
}

TEST_CASE("a member that does not rejoin within the rebalance time-out is out",
  "[cluster][group_join]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {.session_timeout_ms = 100'000});
  const auto token = host.join("g", {.member_id = ids[0]});
  host.advance(59'999);
  CHECK_FALSE(host.answered(token));
  host.advance(1);
  CHECK(host.joined(token).members.size() == 1);
  CHECK(host.heartbeat("g", ids[1], 1) == kafka_error::unknown_member_id);
}

TEST_CASE(
  "a leader that does not rejoin loses the lead", "[cluster][group_join]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  const auto token
    = host.join("g", {.member_id = ids[1], .protocols = {{"range", "new"}}});
  host.advance(60'000);
  CHECK(host.joined(token).leader == ids[1]);
  CHECK(host.joined(token).members.size() == 1);
}

TEST_CASE(
  "a group of the largest size takes no more", "[cluster][group_join]") {
  group_host host{{.size_max = 2}};
  const auto ids = host.stable_group("g", 2);
  const auto token = host.join("g");
  CHECK(host.join_error(token) == kafka_error::group_max_size_reached);
  CHECK(host.joined(token).member_id.empty());
  // Its own members may come back.
  host.join("g", {.member_id = ids[0]});
  CHECK(host.phase("g") == group_phase::preparing_rebalance);
}

TEST_CASE("a rebalance takes as many as the largest size, and keeps out the "
          "last",
  "[cluster][group_join]") {
  group_host host{{.size_max = 2}};
  const auto a = host.join("g", {.version = 3});
  const auto b = host.join("g", {.version = 3});
  const auto c = host.join("g", {.version = 3});
  CHECK(host.join_error(c) == kafka_error::group_max_size_reached);
  host.advance(6'000);
  CHECK(host.joined(a).generation_id == 1);
  CHECK(host.joined(b).generation_id == 1);
}

TEST_CASE("a second join of a waiting member takes the place of the first",
  "[cluster][group_join]") {
  group_host host;
  std::string id;
  const auto first = host.join_with_id("g", {}, &id);
  const auto second = host.join("g", {.member_id = id});
  CHECK(host.join_error(first) == kafka_error::rebalance_in_progress);
  host.advance(3'000);
  CHECK(host.joined(second).generation_id == 1);
}

TEST_CASE("a new member that waits in vain is let go after five minutes",
  "[cluster][group_join]") {
  group_host host;
  const auto ids = host.stable_group("g", 1,
    {.session_timeout_ms = 1'800'000, .rebalance_timeout_ms = 1'000'000});
  const auto token = host.join("g", {.version = 3});
  host.advance(299'999);
  CHECK_FALSE(host.answered(token));
  host.advance(1);
  CHECK(host.join_error(token) == kafka_error::unknown_member_id);
}

TEST_CASE("in version 0 the session time-out is the rebalance time-out too",
  "[cluster][group_join]") {
  group_host host;
  host.join("g",
    {.version = 0, .session_timeout_ms = 12'000, .rebalance_timeout_ms = -1});
  CHECK(host.group("g")->rebalance_timeout_ms() == 12'000);
}

TEST_CASE("a client id of any length makes an id that can be written",
  "[cluster][group_join]") {
  group_host host;
  const auto token = host.join("g", {.client_id = std::string(32'767, 'c')});
  CHECK(host.joined(token).member_id.size() < 32'767);
}

TEST_CASE("a hundred members form one generation", "[cluster][group_join]") {
  group_host host;
  const auto ids = host.stable_group("g", 100);
  CHECK(host.group("g")->members().size() == 100);
  CHECK(host.group("g")->generation() == 1);
  for (const auto& id : ids)
    CHECK(host.synced(host.sync("g", id, 1)).assignment == "part of " + id);
}

} // namespace millrace
