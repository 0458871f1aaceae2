#include "tests/cluster/group_host.hpp"

namespace millrace {

using test::group_host;

TEST_CASE("a consumer without a group commits with generation -1",
  "[cluster][group_offsets]") {
  group_host host;
  CHECK(host.commit_error(host.commit("g", "t", 7)) == kafka_error::none);
  CHECK(host.fetch("g", "t") == 7);
  CHECK(host.phase("g") == group_phase::empty);
  CHECK_FALSE(host.group("g")->protocol_type());
}

TEST_CASE("even the empty group id keeps offsets", "[cluster][group_offsets]") {
  group_host host;
  CHECK(host.commit_error(host.commit("", "t", 7)) == kafka_error::none);
  CHECK(host.fetch("", "t") == 7);
}

TEST_CASE("R20: a commit is answered and seen when it is durable",
  "[cluster][group_offsets]") {
  group_host host;
  host.appends_at_once = false;
  const auto token = host.commit("g", "t", 7);
  CHECK_FALSE(host.answered(token));
  CHECK(host.fetch("g", "t") == -1);
  host.end_append(kafka_error::none);
  CHECK(host.commit_error(token) == kafka_error::none);
  CHECK(host.fetch("g", "t") == 7);
}

TEST_CASE("R20: a commit that cannot be written leaves the offset before",
  "[cluster][group_offsets]") {
  group_host host;
  host.commit("g", "t", 7);
  host.appends_at_once = false;
  const auto failing = host.commit("g", "t", 8);
  const auto next = host.commit("g", "t", 9);
  host.end_append(kafka_error::not_enough_replicas);
  CHECK(host.commit_error(failing) == kafka_error::coordinator_not_available);
  CHECK(host.fetch("g", "t") == 7);
  host.end_append(kafka_error::none);
  CHECK(host.commit_error(next) == kafka_error::none);
  CHECK(host.fetch("g", "t") == 9);
}

TEST_CASE(
  "a failed first commit leaves no group behind", "[cluster][group_offsets]") {
  group_host host;
  host.appends_at_once = false;
  const auto token = host.commit("g", "t", 7);
  host.end_append(kafka_error::message_too_large);
  CHECK(host.commit_error(token) == kafka_error::invalid_commit_offset_size);
  CHECK_FALSE(host.group("g"));
}

TEST_CASE(
  "a member commits in its generation only", "[cluster][group_offsets]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  CHECK(host.commit_error(host.commit("g", "t", 1, ids[0], 1))
        == kafka_error::none);
  CHECK(host.commit_error(host.commit("g", "t", 2, ids[0], 0))
        == kafka_error::illegal_generation);
  CHECK(host.commit_error(host.commit("g", "t", 2, "ghost", 1))
        == kafka_error::unknown_member_id);
  CHECK(host.fetch("g", "t") == 1);
}

TEST_CASE("a group with members takes no commit from outside",
  "[cluster][group_offsets]") {
  group_host host;
  host.stable_group("g", 1);
  CHECK(host.commit_error(host.commit("g", "t", 2))
        == kafka_error::unknown_member_id);
}

TEST_CASE(
  "an empty group takes commits from outside", "[cluster][group_offsets]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  host.leave("g", ids[0]);
  CHECK(host.commit_error(host.commit("g", "t", 2)) == kafka_error::none);
}

TEST_CASE("a commit during a rebalance is taken before the join completes and "
          "refused until the assignment",
  "[cluster][group_offsets]") {
  group_host host;
  const auto ids = host.stable_group("g", 2);
  const auto leader = host.join("g", {.member_id = ids[0]});
  // The last chance of the old generation.
  CHECK(host.commit_error(host.commit("g", "t", 5, ids[1], 1))
        == kafka_error::none);
  host.join("g", {.member_id = ids[1]});
  REQUIRE(host.joined(leader).generation_id == 2);
  CHECK(host.commit_error(host.commit("g", "t", 6, ids[1], 2))
        == kafka_error::rebalance_in_progress);
}

TEST_CASE("a commit with a generation to a group that is not there",
  "[cluster][group_offsets]") {
  group_host host;
  CHECK(host.commit_error(host.commit("g", "t", 1, "m", 3))
        == kafka_error::group_id_not_found);
  kafka::offset_commit_request request;
  request.group_id = "g";
  request.member_id = "m";
  request.generation_id_or_member_epoch = 3;
  request.topics.emplace_back().partitions.push_back({0, 1, -1, ""});
  CHECK(host.commit_error(host.send(8, request))
        == kafka_error::illegal_generation);
}

TEST_CASE("a commit is as good as a heartbeat", "[cluster][group_offsets]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  for (int i = 0; i < 5; ++i) {
    host.advance(9'000);
    host.commit("g", "t", i, ids[0], 1);
  }
  CHECK(host.phase("g") == group_phase::stable);
}

TEST_CASE("metadata that is too long is refused for its partition alone",
  "[cluster][group_offsets]") {
  group_host host;
  kafka::offset_commit_request request;
  request.group_id = "g";
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.push_back({0, 1, -1, std::string(4'097, 'm')});
  topic.partitions.push_back({1, 2, -1, std::string(4'096, 'm')});
  // 4096 characters in Java's count: two units for each of 2048.
  std::string faces;
  for (int i = 0; i < 2'048; ++i)
    faces += "\xf0\x9f\x98\x80";
  topic.partitions.push_back({2, 3, -1, faces});
  const auto token = host.send(9, request);
  const auto& parts
    = host.answer<kafka::offset_commit_response>(token).topics.at(0).partitions;
  CHECK(parts[0].error_code
        == static_cast<int16_t>(kafka_error::offset_metadata_too_large));
  CHECK(parts[1].error_code == 0);
  CHECK(parts[2].error_code == 0);
  CHECK(host.fetch("g", "t", 0) == -1);
  CHECK(host.fetch("g", "t", 1) == 2);
}

TEST_CASE("null metadata is empty metadata", "[cluster][group_offsets]") {
  group_host host;
  kafka::offset_commit_request request;
  request.group_id = "g";
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.push_back({0, 1, 5, std::nullopt});
  host.send(9, request);
  kafka::offset_fetch_request fetch;
  fetch.group_id = "g";
  fetch.topics.emplace().push_back({"t", {0}});
  const auto token = host.send(7, fetch);
  const auto& part = host.answer<kafka::offset_fetch_response>(token)
                       .topics.at(0)
                       .partitions.at(0);
  CHECK(part.metadata == "");
  CHECK(part.committed_leader_epoch == 5);
}

TEST_CASE("what was never committed is -1 with empty metadata and no error",
  "[cluster][group_offsets]") {
  group_host host;
  kafka::offset_fetch_request request;
  request.group_id = "none";
  request.topics.emplace().push_back({"t", {0, 1}});
  const auto token = host.send(5, request);
  const auto& answer = host.answer<kafka::offset_fetch_response>(token);
  CHECK(answer.error_code == 0);
  REQUIRE(answer.topics.at(0).partitions.size() == 2);
  const auto& part = answer.topics[0].partitions[1];
  CHECK(part.partition_index == 1);
  CHECK(part.committed_offset == -1);
  CHECK(part.committed_leader_epoch == -1);
  CHECK(part.metadata == "");
  CHECK(part.error_code == 0);
}

TEST_CASE("null topics are all topics", "[cluster][group_offsets]") {
  group_host host;
  host.commit("g", "a", 1, {}, -1, 0);
  host.commit("g", "a", 2, {}, -1, 3);
  host.commit("g", "b", 3);
  host.commit("other", "c", 4);
  kafka::offset_fetch_request old;
  old.group_id = "g";
  old.topics.reset();
  const auto& before_8
    = host.answer<kafka::offset_fetch_response>(host.send(2, old));
  REQUIRE(before_8.topics.size() == 2);
  CHECK(before_8.topics[0].partitions.size() == 2);
  kafka::offset_fetch_request request;
  for (const auto* name : {"g", "other", "none"}) {
    auto& g = request.groups.emplace_back();
    g.group_id = name;
    g.topics.reset();
  }
  const auto& answer
    = host.answer<kafka::offset_fetch_response>(host.send(8, request));
  REQUIRE(answer.groups.size() == 3);
  CHECK(answer.groups[0].topics.size() == 2);
  CHECK(answer.groups[1].topics.at(0).name == "c");
  CHECK(answer.groups[2].group_id == "none");
  CHECK(answer.groups[2].topics.empty());
  CHECK(answer.groups[2].error_code == 0);
}

TEST_CASE("no topics are no topics", "[cluster][group_offsets]") {
  group_host host;
  host.commit("g", "a", 1);
  kafka::offset_fetch_request request;
  request.group_id = "g";
  const auto token = host.send(7, request);
  CHECK(host.answer<kafka::offset_fetch_response>(token).topics.empty());
}

TEST_CASE("an offset committed to an older topic of that name is not seen by "
          "id",
  "[cluster][group_offsets]") {
  group_host host;
  kafka::offset_commit_request commit;
  commit.group_id = "g";
  auto& topic = commit.topics.emplace_back();
  topic.name = "t";
  topic.topic_id = {1, 1};
  topic.partitions.push_back({0, 7, -1, ""});
  const auto done = host.send(10, commit);
  CHECK(host.answer<kafka::offset_commit_response>(done).topics.at(0).topic_id
        == uuid{1, 1});
  const auto fetch = [&](uuid id) {
    kafka::offset_fetch_request request;
    auto& g = request.groups.emplace_back();
    g.group_id = "g";
    g.topics.emplace().push_back({"t", id, {0}});
    const auto& answer
      = host.answer<kafka::offset_fetch_response>(host.send(10, request));
    CHECK(answer.groups.at(0).topics.at(0).topic_id == id);
    return answer.groups[0].topics[0].partitions.at(0).committed_offset;
  };
  CHECK(fetch({1, 1}) == 7);
  CHECK(fetch({2, 2}) == -1);
  CHECK(host.fetch("g", "t") == 7);
}

TEST_CASE("offsets of topics that nobody subscribes to can be deleted",
  "[cluster][group_offsets]") {
  group_host host;
  const auto ids = host.stable_group(
    "g", 2, {.protocols = {{"range", test::subscription({"busy"})}}});
  for (const auto* topic : {"busy", "idle"})
    host.commit("g", topic, 5, ids[0], 1);
  kafka::offset_delete_request request;
  request.group_id = "g";
  for (const auto* topic : {"busy", "idle", "never"})
    request.topics.push_back({topic, {{0}}});
  const auto token = host.send(0, request);
  const auto& answer = host.answer<kafka::offset_delete_response>(token);
  CHECK(answer.error_code == 0);
  CHECK(answer.topics.at(0).partitions.at(0).error_code
        == static_cast<int16_t>(kafka_error::group_subscribed_to_topic));
  CHECK(answer.topics.at(1).partitions.at(0).error_code == 0);
  CHECK(answer.topics.at(2).partitions.at(0).error_code == 0);
  CHECK(host.fetch("g", "busy") == 5);
  CHECK(host.fetch("g", "idle") == -1);
}

TEST_CASE("a subscription in a form of its own protects all topics",
  "[cluster][group_offsets]") {
  group_host host;
  const auto ids = host.stable_group("g", 1); // metadata: "meta"
  host.commit("g", "t", 5, ids[0], 1);
  kafka::offset_delete_request request;
  request.group_id = "g";
  request.topics.push_back({"t", {{0}}});
  const auto token = host.send(0, request);
  CHECK(host.answer<kafka::offset_delete_response>(token)
          .topics.at(0)
          .partitions.at(0)
          .error_code
        == static_cast<int16_t>(kafka_error::group_subscribed_to_topic));
}

TEST_CASE("offsets of a group in use by others than consumers stay",
  "[cluster][group_offsets]") {
  group_host host;
  host.stable_group("g", 1, {.protocol_type = "connect"});
  kafka::offset_delete_request request;
  request.group_id = "g";
  CHECK(host.error<kafka::offset_delete_response>(host.send(0, request))
        == kafka_error::non_empty_group);
  request.group_id = "none";
  CHECK(host.error<kafka::offset_delete_response>(host.send(0, request))
        == kafka_error::group_id_not_found);
  request.group_id = "";
  CHECK(host.error<kafka::offset_delete_response>(host.send(0, request))
        == kafka_error::invalid_group_id);
}

TEST_CASE("an offset that is deleted before it is durable is gone",
  "[cluster][group_offsets]") {
  group_host host;
  host.appends_at_once = false;
  host.commit("g", "t", 5);
  kafka::offset_delete_request request;
  request.group_id = "g";
  request.topics.push_back({"t", {{0}}});
  const auto token = host.send(0, request);
  REQUIRE(host.appends.size() == 2);
  host.end_append(kafka_error::none);
  host.end_append(kafka_error::none);
  CHECK(host.answered(token));
  CHECK(host.fetch("g", "t") == -1);
}

TEST_CASE("the offsets of a deleted topic go in all groups",
  "[cluster][group_offsets]") {
  group_host host;
  for (const auto* group : {"g", "h"})
    for (const auto* topic : {"gone", "stays"})
      host.commit(group, topic, 5);
  const std::vector<std::string> topics{"gone"};
  host.take(
    host.registry.on_topics_deleted(topics, host.now_ms, host.wall_ms()));
  for (const auto* group : {"g", "h"}) {
    CHECK(host.fetch(group, "gone") == -1);
    CHECK(host.fetch(group, "stays") == 5);
  }
}

} // namespace millrace
