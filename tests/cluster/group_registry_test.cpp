#include "cluster/group_records.hpp"
#include "tests/cluster/group_host.hpp"

namespace millrace {

using test::group_host;

TEST_CASE("after a restart a stable group goes on as if nothing had happened",
  "[cluster][group_registry]") {
  group_host host;
  const auto ids = host.stable_group("g", 3);
  host.commit("g", "t", 5, ids[0], 1);
  group_host fresh{{}, host.log};
  CHECK(fresh.phase("g") == group_phase::stable);
  CHECK(fresh.group("g")->leader() == ids[0]);
  for (const auto& id : ids) {
    CHECK(fresh.heartbeat("g", id, 1) == kafka_error::none);
    CHECK(fresh.synced(fresh.sync("g", id, 1)).assignment == "part of " + id);
  }
  CHECK(fresh.fetch("g", "t") == 5);
  // The same metadata, so no rebalance.
  CHECK(
    fresh.joined(fresh.join("g", {.member_id = ids[1]})).generation_id == 1);
}

TEST_CASE("after a restart members have a whole session to come back",
  "[cluster][group_registry]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  group_host fresh{{}, host.log};
  fresh.advance(9'999);
  CHECK(fresh.phase("g") == group_phase::stable);
  fresh.advance(1);
  CHECK(fresh.phase("g") == group_phase::empty);
}

TEST_CASE(
  "after a restart static members are known", "[cluster][group_registry]") {
  group_host host;
  const auto ids = host.stable_group("g", 2, {}, true);
  group_host fresh{{}, host.log};
  const auto token = fresh.join("g", {.instance_id = "instance-0"});
  CHECK(fresh.joined(token).generation_id == 1);
  CHECK(fresh.joined(token).skip_assignment);
}

TEST_CASE("an empty group keeps its generation over a restart",
  "[cluster][group_registry]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  host.leave("g", ids[0]);
  group_host fresh{{}, host.log};
  CHECK(fresh.phase("g") == group_phase::empty);
  CHECK(fresh.group("g")->generation() == 2);
  const auto token = fresh.join_with_id("g", {});
  fresh.advance(3'000);
  CHECK(fresh.joined(token).generation_id == 3);
}

TEST_CASE(
  "a deleted group stays deleted over a restart", "[cluster][group_registry]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  host.commit("g", "t", 5, ids[0], 1);
  host.leave("g", ids[0]);
  host.send(2, kafka::delete_groups_request{{"g"}});
  group_host fresh{{}, host.log};
  CHECK_FALSE(fresh.group("g"));
  CHECK(fresh.fetch("g", "t") == -1);
}

TEST_CASE("R20, R21: the image holds what is durable, and with the log's tail "
          "rebuilds the registry",
  "[cluster][group_registry]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  host.commit("g", "t", 5, ids[0], 1);
  std::map<std::string, std::string> image;
  for (const auto& change : host.registry.take_changes())
    image[change.key] = change.value.value();
  const auto covered = host.log.size();
  host.commit("g", "t", 6, ids[0], 1);
  host.commit("g", "u", 7, ids[0], 1);
  host.appends_at_once = false;
  host.commit("g", "t", 99, ids[0], 1); // never durable
  for (const auto& change : host.registry.take_changes())
    CHECK(change.value->find("\x63") == std::string::npos);

  group_registry fresh{{}, test::counting_uuids()};
  for (const auto& [key, value] : image)
    REQUIRE(fresh.load(key, value).ok());
  test::replay(fresh, host.log, covered);
  fresh.finish_load(0, 0);
  REQUIRE(fresh.groups().contains("g"));
  CHECK(fresh.groups().at("g").members().size() == 2);
  CHECK(fresh.offsets().committed("g", "t", 0)->offset == 6);
  CHECK(fresh.offsets().committed("g", "u", 0)->offset == 7);
  // Only the tail is news to the image.
  CHECK(fresh.take_changes().size() == 2);
}

TEST_CASE("a corrupt record is an error at load", "[cluster][group_registry]") {
  group_registry registry{{}, test::counting_uuids()};
  CHECK_FALSE(registry.replay({}, "\x01", {}).ok());
  CHECK_FALSE(registry.load("k", "").ok());
}

TEST_CASE("a registry that moves away answers everything that is parked",
  "[cluster][group_registry]") {
  group_host host;
  const auto ids = host.stable_group("syncing", 2);
  const auto joins = host.join_with_id("joining", {});
  const auto first = host.join("syncing", {.member_id = ids[0]});
  host.join("syncing", {.member_id = ids[1]});
  REQUIRE(host.joined(first).generation_id == 2);
  const auto syncs = host.sync("syncing", ids[1], 2);
  host.appends_at_once = false;
  const auto commits = host.commit("c", "t", 1);
  const auto assigns = host.sync("syncing", ids[0], 2);
  const auto deletes = host.send(2, kafka::delete_groups_request{{"c"}});
  host.take(host.registry.abandon(host.now_ms, host.wall_ms()));
  CHECK(host.join_error(joins) == kafka_error::not_coordinator);
  CHECK(host.sync_error(syncs) == kafka_error::not_coordinator);
  CHECK(host.sync_error(assigns) == kafka_error::not_coordinator);
  CHECK(host.commit_error(commits) == kafka_error::not_coordinator);
  CHECK(
    host.answer<kafka::delete_groups_response>(deletes).results.at(0).error_code
    == static_cast<int16_t>(kafka_error::not_coordinator));
  CHECK(host.registry.groups().empty());
  CHECK_FALSE(host.registry.next_deadline());
  // Whatever the log says afterwards is of no interest.
  while (!host.appends.empty())
    host.end_append(kafka_error::none);
  CHECK(host.registry.groups().empty());
}

TEST_CASE("an empty registry wants no timer", "[cluster][group_registry]") {
  group_host host;
  CHECK_FALSE(host.registry.next_deadline());
  host.join("g");
  CHECK(host.registry.next_deadline() == host.now_ms + 10'000);
}

TEST_CASE(
  "names too long for a record are refused", "[cluster][group_registry]") {
  group_host host;
  const std::string huge(40'000, 'x');
  CHECK(host.join_error(host.join(huge)) == kafka_error::invalid_group_id);
  CHECK(host.join_error(host.join("g", {.instance_id = huge}))
        == kafka_error::invalid_request);
  CHECK(host.commit_error(host.commit(huge, "t", 1))
        == kafka_error::invalid_group_id);
  CHECK(host.commit_error(host.commit("g", huge, 1))
        == kafka_error::offset_metadata_too_large);
}

} // namespace millrace
