#include "tests/cluster/group_host.hpp"

// Offsets expire as KIP-211 says.

namespace millrace {

using test::group_host;

namespace {

constexpr int64_t hour_ms = 3'600'000;
constexpr int64_t day_ms = 24 * hour_ms;

/// Lives for a day with a heartbeat every few seconds is slow to simulate, so
/// sessions here last the longest they may.
const test::join_options consumer_of_busy{
  .protocols = {{"range", test::subscription({"busy"})}},
  .session_timeout_ms = 1'800'000};

void live(group_host& host, const std::string& id, int64_t for_ms) {
  for (int64_t lived_ms = 0; lived_ms < for_ms; lived_ms += 1'000'000) {
    host.advance(1'000'000);
    REQUIRE(host.heartbeat("g", id, 1) == kafka_error::none);
  }
}

} // namespace

TEST_CASE("offsets without a group expire a retention after their commit",
  "[cluster][group_expiry]") {
  group_host host;
  host.commit("g", "a", 1);
  host.advance(day_ms);
  host.commit("g", "b", 2);
  host.advance(6 * day_ms + 600'000);
  CHECK(host.fetch("g", "a") == -1);
  CHECK(host.fetch("g", "b") == 2);
  host.advance(day_ms);
  CHECK(host.fetch("g", "b") == -1);
  CHECK_FALSE(host.group("g"));
}

TEST_CASE("offsets of a group in use do not expire while it subscribes",
  "[cluster][group_expiry]") {
  group_host host{{.offsets_retention_ms = hour_ms}};
  const auto ids = host.stable_group("g", 1, consumer_of_busy);
  host.commit("g", "busy", 1, ids[0], 1);
  host.commit("g", "idle", 2, ids[0], 1);
  live(host, ids[0], 3 * hour_ms);
  CHECK(host.fetch("g", "busy") == 1);
  CHECK(host.fetch("g", "idle") == -1);
}

TEST_CASE("offsets of a group that nobody can look into do not expire",
  "[cluster][group_expiry]") {
  group_host host{{.offsets_retention_ms = hour_ms}};
  const auto ids = host.stable_group(
    "g", 1, {.protocol_type = "connect", .session_timeout_ms = 1'800'000});
  host.commit("g", "t", 1, ids[0], 1);
  live(host, ids[0], 3 * hour_ms);
  CHECK(host.fetch("g", "t") == 1);
}

TEST_CASE("offsets of an empty group expire a retention after the last member "
          "left",
  "[cluster][group_expiry]") {
  group_host host{{.offsets_retention_ms = 2 * hour_ms}};
  const auto ids = host.stable_group("g", 1, consumer_of_busy);
  host.commit("g", "busy", 1, ids[0], 1);
  live(host, ids[0], 3 * hour_ms);
  host.leave("g", ids[0]);
  host.advance(hour_ms);
  CHECK(host.fetch("g", "busy") == 1);
  host.advance(hour_ms + 600'000);
  CHECK(host.fetch("g", "busy") == -1);
  CHECK_FALSE(host.group("g"));
  CHECK_FALSE(host.log.back().value); // the group's tombstone
}

TEST_CASE("up to version 4 a client may choose its own retention",
  "[cluster][group_expiry]") {
  group_host host;
  kafka::offset_commit_request request;
  request.group_id = "g";
  request.retention_time_ms = hour_ms;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.push_back({0, 1, -1, ""});
  host.send(2, request);
  host.advance(hour_ms - 600'000);
  CHECK(host.fetch("g", "t") == 1);
  host.advance(2 * 600'000);
  CHECK(host.fetch("g", "t") == -1);
}

TEST_CASE(
  "R19: a jump of the wall clock expires nothing", "[cluster][group_expiry]") {
  group_host host;
  host.commit("g", "t", 1);
  host.wall_gain_ms = 365 * day_ms;
  host.advance(hour_ms);
  CHECK(host.fetch("g", "t") == 1);
}

TEST_CASE("many offsets expire in many turns", "[cluster][group_expiry]") {
  group_host host;
  for (int i = 0; i < 30; ++i) {
    kafka::offset_commit_request request;
    request.group_id = "g" + std::to_string(i);
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    for (int32_t p = 0; p < 100; ++p)
      topic.partitions.push_back({p, 1, -1, ""});
    host.send(9, request);
  }
  host.advance(7 * day_ms + 600'000);
  CHECK(host.registry.groups().empty());
  CHECK(host.registry.offsets().groups().empty());
}

TEST_CASE("R20: an expiry that cannot be written is tried again",
  "[cluster][group_expiry]") {
  group_host host;
  host.commit("g", "t", 1);
  host.appends_at_once = false;
  host.advance(7 * day_ms);
  REQUIRE_FALSE(host.appends.empty());
  while (!host.appends.empty())
    host.end_append(kafka_error::not_enough_replicas);
  CHECK(host.fetch("g", "t") == 1);
  CHECK(host.group("g"));
  host.appends_at_once = true;
  host.advance(600'000);
  CHECK(host.fetch("g", "t") == -1);
}

} // namespace millrace
