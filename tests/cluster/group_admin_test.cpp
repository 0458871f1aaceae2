#include "tests/cluster/group_host.hpp"

namespace millrace {

using test::group_host;

namespace {

const kafka::describe_groups_response::described_group& describe(
  group_host& host, const std::string& group, int16_t version = 6) {
  kafka::describe_groups_request request;
  request.groups = {group};
  return host
    .answer<kafka::describe_groups_response>(host.send(version, request))
    .groups.at(0);
}

std::vector<std::string> list(group_host& host,
  std::vector<std::string> states = {}, std::vector<std::string> types = {}) {
  const auto token = host.send(
    5, kafka::list_groups_request{std::move(states), std::move(types)});
  std::vector<std::string> names;
  for (const auto& g : host.answer<kafka::list_groups_response>(token).groups)
    names.push_back(g.group_id);
  return names;
}

uint64_t erase(group_host& host, std::vector<std::string> groups) {
  return host.send(2, kafka::delete_groups_request{std::move(groups)});
}

kafka_error erased(const group_host& host, uint64_t token, size_t index = 0) {
  return static_cast<kafka_error>(
    host.answer<kafka::delete_groups_response>(token)
      .results.at(index)
      .error_code);
}

} // namespace

TEST_CASE("a stable group is described with metadata and assignments",
  "[cluster][group_admin]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  const auto& g = describe(host, "g");
  CHECK(g.error_code == 0);
  CHECK(g.group_state == "Stable");
  CHECK(g.protocol_type == "consumer");
  CHECK(g.protocol_data == "range");
  REQUIRE(g.members.size() == 2);
  CHECK(g.members[0].member_assignment == "part of " + g.members[0].member_id);
  CHECK(g.members[0].member_metadata == "meta");
  CHECK(g.members[0].client_id == "client");
  CHECK(g.members[0].client_host == "/127.0.0.1");
  CHECK(g.authorized_operations == INT32_MIN);
}

TEST_CASE("a group in a rebalance is described with the last assignment only",
  "[cluster][group_admin]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  const auto described_in = [&](const std::string& phase) {
    const auto& g = describe(host, "g");
    CHECK(g.group_state == phase);
    CHECK(g.protocol_data.empty());
    REQUIRE(g.members.size() == 2);
    for (const auto& m : g.members) {
      CHECK(m.member_metadata.empty());
      CHECK(m.member_assignment == "part of " + m.member_id);
    }
  };
  host.join("g", {.member_id = ids[0]});
  described_in("PreparingRebalance");
  host.join("g", {.member_id = ids[1]});
  described_in("CompletingRebalance");
}

TEST_CASE("a group that is not there is dead, and from version 6 an error",
  "[cluster][group_admin]") {
  group_host host;
  CHECK(describe(host, "none", 5).group_state == "Dead");
  CHECK(describe(host, "none", 5).error_code == 0);
  const auto& g = describe(host, "none", 6);
  CHECK(g.group_state == "Dead");
  CHECK(g.error_code == static_cast<int16_t>(kafka_error::group_id_not_found));
  CHECK(g.error_message == "Group none not found.");
}

TEST_CASE(
  "nobody has no name: such a group is dead too", "[cluster][group_admin]") {
  group_host host;
  CHECK(describe(host, "", 5).group_state == "Dead");
  CHECK(describe(host, "", 5).error_code == 0);
  CHECK(describe(host, "", 6).error_code
        == static_cast<int16_t>(kafka_error::group_id_not_found));
}

TEST_CASE("what may be done with a group is told when asked for",
  "[cluster][group_admin]") {
  group_host host;
  host.stable_group("g", 1);
  kafka::describe_groups_request request;
  request.groups = {"g", "none"};
  request.include_authorized_operations = true;
  const auto operations = [&](int16_t version, size_t i) {
    return host
      .answer<kafka::describe_groups_response>(host.send(version, request))
      .groups.at(i)
      .authorized_operations;
  };
  // Read 3, delete 6, describe 8, describe configs 10, alter configs 11.
  const int32_t all = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;
  CHECK(operations(5, 0) == all);
  CHECK(operations(5, 1) == all);
  CHECK(operations(6, 1) == INT32_MIN); // an error
}

TEST_CASE("groups are listed by state and type", "[cluster][group_admin]") {
  group_host host;
  host.commit("a", "t", 1);
  host.stable_group("b", 1);
  CHECK(list(host) == std::vector<std::string>{"a", "b"});
  CHECK(list(host, {"stable"}) == std::vector<std::string>{"b"});
  CHECK(list(host, {"Empty", "Dead"}) == std::vector<std::string>{"a"});
  CHECK(list(host, {"Nonsense"}).empty());
  CHECK(list(host, {}, {"Classic"}).size() == 2);
  CHECK(list(host, {}, {"consumer"}).empty());
}

TEST_CASE("an empty group is deleted with its offsets and its record",
  "[cluster][group_admin]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  host.commit("g", "t", 5, ids[0], 1);
  host.leave("g", ids[0]);
  const auto token = erase(host, {"g"});
  CHECK(erased(host, token) == kafka_error::none);
  CHECK_FALSE(host.group("g"));
  CHECK(host.fetch("g", "t") == -1);
  // One tombstone for the offset, one for the group.
  REQUIRE(host.log.size() >= 2);
  CHECK_FALSE(host.log[host.log.size() - 1].value);
  CHECK_FALSE(host.log[host.log.size() - 2].value);
}

TEST_CASE("groups that cannot be deleted say why", "[cluster][group_admin]") {
  group_host host;
  host.stable_group("busy", 1);
  host.commit("idle", "t", 1);
  const auto token = erase(host, {"busy", "none", "", "idle", "idle"});
  CHECK(erased(host, token, 0) == kafka_error::non_empty_group);
  CHECK(erased(host, token, 1) == kafka_error::group_id_not_found);
  CHECK(erased(host, token, 2) == kafka_error::group_id_not_found);
  CHECK(erased(host, token, 3) == kafka_error::none);
  CHECK(erased(host, token, 4) == kafka_error::group_id_not_found);
}

TEST_CASE("the group without a name, which may have offsets, can be deleted",
  "[cluster][group_admin]") {
  group_host host;
  host.commit("", "t", 1);
  CHECK(erased(host, erase(host, {""})) == kafka_error::none);
  CHECK(host.fetch("", "t") == -1);
}

TEST_CASE("R20: a deletion that cannot be written did not happen",
  "[cluster][group_admin]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  host.commit("g", "t", 5, ids[0], 1);
  host.leave("g", ids[0]);
  host.appends_at_once = false;
  const auto token = erase(host, {"g"});
  CHECK_FALSE(host.answered(token));
  CHECK_FALSE(host.group("g"));
  host.end_append(kafka_error::request_timed_out);
  CHECK(erased(host, token) == kafka_error::coordinator_not_available);
  CHECK(host.phase("g") == group_phase::empty);
  CHECK(host.fetch("g", "t") == 5);
}

TEST_CASE("a group may come anew while its deletion is being written",
  "[cluster][group_admin]") {
  group_host host;
  host.commit("g", "t", 5);
  host.appends_at_once = false;
  erase(host, {"g"});
  const auto commit = host.commit("g", "t", 6);
  host.end_append(kafka_error::none);
  CHECK(host.fetch("g", "t") == -1);
  host.end_append(kafka_error::none);
  CHECK(host.commit_error(commit) == kafka_error::none);
  CHECK(host.fetch("g", "t") == 6);
  CHECK(host.group("g"));
}

} // namespace millrace
