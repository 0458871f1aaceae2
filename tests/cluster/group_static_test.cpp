#include "tests/cluster/group_host.hpp"

// Static membership: KIP-345, and KIP-814 for a leader that comes back.

namespace millrace {

using test::group_host;

namespace {

constexpr const char* leader_instance = "instance-0";

/// A member that comes back after a restart knows its instance, not its id.
uint64_t restart(group_host& host, const std::string& instance,
  int16_t version = 9, const std::string& protocol = "range") {
  return host.join("g", {.instance_id = instance,
                          .version = version,
                          .protocols = {{protocol, "meta"}}});
}

std::string instance_of(const group_host& host, const std::string& id) {
  return host.group("g")->members().at(id).instance_id.value();
}

} // namespace

TEST_CASE("a static member needs no second join for its id",
  "[cluster][group_static]") {
  group_host host;
  const auto token = host.join("g", {.instance_id = "i"});
  CHECK_FALSE(host.answered(token));
  host.advance(3'000);
  // Its instance id, a dash and a uuid.
  CHECK(
    host.joined(token).member_id == "i-00000000-0000-0000-0000-000000000001");
  CHECK(host.joined(token).members.at(0).group_instance_id == "i");
}

TEST_CASE("a static member that comes back causes no rebalance and keeps its "
          "assignment",
  "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {}, true);
  const auto instance = instance_of(host, ids[1]);
  const auto token = restart(host, instance);
  CHECK(host.phase("g") == group_phase::stable);
  const auto& answer = host.joined(token);
  CHECK(answer.generation_id == 1);
  CHECK(answer.member_id != ids[1]);
  CHECK(answer.leader == ids[0]);
  CHECK_FALSE(answer.skip_assignment);
  const auto sync = host.sync("g", answer.member_id, 1, {}, instance);
  CHECK(host.synced(sync).assignment == "part of " + ids[1]);
}

TEST_CASE(
  "the older process of a static member is fenced", "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {}, true);
  const auto instance = instance_of(host, ids[1]);
  restart(host, instance);
  CHECK(host.heartbeat("g", ids[1], 1, instance)
        == kafka_error::fenced_instance_id);
  CHECK(host.sync_error(host.sync("g", ids[1], 1, {}, instance))
        == kafka_error::fenced_instance_id);
  CHECK(host.join_error(
          host.join("g", {.member_id = ids[1], .instance_id = instance}))
        == kafka_error::fenced_instance_id);
  CHECK(host.leave_error(host.leave("g", ids[1], instance))
        == kafka_error::fenced_instance_id);
  kafka::offset_commit_request commit;
  commit.group_id = "g";
  commit.member_id = ids[1];
  commit.group_instance_id = instance;
  commit.generation_id_or_member_epoch = 1;
  commit.topics.emplace_back().partitions.push_back({0, 1, -1, ""});
  CHECK(
    host.commit_error(host.send(9, commit)) == kafka_error::fenced_instance_id);
}

TEST_CASE(
  "an unknown instance id is an unknown member", "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 1, {}, true);
  CHECK(
    host.heartbeat("g", ids[0], 1, "ghost") == kafka_error::unknown_member_id);
}

TEST_CASE("from version 9 a leader that comes back leads and skips the "
          "assignment",
  "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {}, true);
  REQUIRE(instance_of(host, ids[0]) == leader_instance);
  const auto& answer = host.joined(restart(host, leader_instance));
  CHECK(answer.skip_assignment);
  CHECK(answer.leader == answer.member_id);
  CHECK(answer.members.size() == 2);
}

TEST_CASE("before version 9 a leader that comes back is told its old id as "
          "the leader's, so that it does not assign",
  "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {}, true);
  const auto& answer = host.joined(restart(host, leader_instance, 8));
  CHECK_FALSE(answer.skip_assignment);
  CHECK(answer.leader == ids[0]);
  CHECK(answer.member_id != ids[0]);
  CHECK(answer.members.empty());
}

TEST_CASE("the new id of a static member is in the log before it is told",
  "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {}, true);
  host.appends_at_once = false;
  const auto token = restart(host, instance_of(host, ids[1]));
  CHECK_FALSE(host.answered(token));
  REQUIRE(host.appends.size() == 1);
  host.end_append(kafka_error::none);
  CHECK(host.join_error(token) == kafka_error::none);
}

TEST_CASE("R20: a static member whose new id cannot be written keeps the old "
          "one",
  "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {}, true);
  host.appends_at_once = false;
  const auto token = restart(host, instance_of(host, ids[1]));
  host.end_append(kafka_error::not_enough_replicas);
  CHECK(host.join_error(token) == kafka_error::coordinator_not_available);
  CHECK(host.heartbeat("g", ids[1], 1) == kafka_error::none);
}

TEST_CASE("a rebalance that begins while a new id is being written answers "
          "the member",
  "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {}, true);
  host.appends_at_once = false;
  const auto token = restart(host, instance_of(host, ids[1]));
  const auto leader = host.join(
    "g", {.member_id = ids[0], .instance_id = instance_of(host, ids[0])});
  CHECK(host.joined(token).generation_id == 2);
  CHECK(host.joined(leader).generation_id == 2);
  host.end_append(kafka_error::none);
}

TEST_CASE("a static member that comes back with another protocol rebalances",
  "[cluster][group_static]") {
  group_host host;
  host.stable_group("g", 1, {.protocols = {{"range", "m"}, {"rr", "m"}}}, true);
  const auto token = restart(host, leader_instance, 9, "rr");
  CHECK(host.joined(token).generation_id == 2);
  CHECK(host.joined(token).protocol_name == "rr");
}

TEST_CASE("a static member that comes back before the assignment rebalances",
  "[cluster][group_static]") {
  group_host host;
  const auto a = host.join("g", {.instance_id = "a"});
  const auto b = host.join("g", {.instance_id = "b"});
  host.advance(6'000);
  const auto waiting = host.sync("g", host.joined(b).member_id, 1);
  const auto again = restart(host, "b");
  CHECK(host.sync_error(waiting) == kafka_error::fenced_instance_id);
  CHECK(host.phase("g") == group_phase::preparing_rebalance);
  const auto other = host.join(
    "g", {.member_id = host.joined(a).member_id, .instance_id = "a"});
  CHECK(host.joined(again).generation_id == 2);
  CHECK(host.joined(other).generation_id == 2);
}

TEST_CASE("a static member that comes back after the assignment must still "
          "fetch its own in time",
  "[cluster][group_static]") {
  group_host host;
  const test::join_options patient{.session_timeout_ms = 300'000};
  auto a = patient;
  a.instance_id = "a";
  auto b = patient;
  b.instance_id = "b";
  const auto first = host.join("g", a);
  const auto second = host.join("g", b);
  host.advance(6'000);
  const auto leader = host.joined(first).leader;
  const bool a_leads = host.joined(first).member_id == leader;
  host.sync("g", leader, 1);
  REQUIRE(host.phase("g") == group_phase::stable);
  const auto back = host.join("g", a_leads ? b : a);
  REQUIRE(host.join_error(back) == kafka_error::none);
  REQUIRE(host.answered(second));
  host.advance(60'000);
  CHECK(host.group("g")->members().size() == 1);
  CHECK(host.phase("g") == group_phase::preparing_rebalance);
}

TEST_CASE("a waiting static member that comes back fences its first join",
  "[cluster][group_static]") {
  group_host host;
  const auto first = host.join("g", {.instance_id = "i"});
  const auto second = host.join("g", {.instance_id = "i"});
  CHECK(host.join_error(first) == kafka_error::fenced_instance_id);
  host.advance(3'000);
  CHECK(host.joined(second).members.size() == 1);
}

TEST_CASE("a static member that is away stays in the generation until its "
          "session ends",
  "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 2,
    {.session_timeout_ms = 100'000, .rebalance_timeout_ms = 20'000}, true);
  const auto token = host.join("g", {.member_id = ids[0],
                                      .instance_id = leader_instance,
                                      .session_timeout_ms = 100'000,
                                      .rebalance_timeout_ms = 20'000});
  host.advance(20'000);
  CHECK(host.joined(token).members.size() == 2);
}

TEST_CASE("an admin removes a static member by its instance id",
  "[cluster][group_static]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {}, true);
  const auto token = host.leave("g", "", instance_of(host, ids[1]));
  CHECK(host.leave_error(token) == kafka_error::none);
  CHECK(host.group("g")->members().size() == 1);
  CHECK(host.phase("g") == group_phase::preparing_rebalance);
  CHECK(host.leave_error(host.leave("g", "", "ghost"))
        == kafka_error::unknown_member_id);
}

TEST_CASE(
  "a full group lets its static members come back", "[cluster][group_static]") {
  group_host host{{.size_max = 1}};
  host.stable_group("g", 1, {}, true);
  CHECK(host.join_error(restart(host, leader_instance)) == kafka_error::none);
  CHECK(host.join_error(restart(host, "other"))
        == kafka_error::group_max_size_reached);
}

} // namespace millrace
