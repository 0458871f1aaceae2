#include "cluster/group_records.hpp"
#include "tests/cluster/group_host.hpp"

namespace millrace {

using test::group_host;

namespace {

constexpr int64_t hour_ms = 3'600'000;
constexpr int64_t day_ms = 24 * hour_ms;

std::map<std::string, std::string> image_of(group_registry& registry) {
  std::map<std::string, std::string> image;
  for (const auto& change : registry.take_changes())
    if (change.value)
      image[change.key] = *change.value;
  return image;
}

} // namespace

TEST_CASE("R28: offsets of a transaction count when it is committed",
  "[cluster][group_transactions]") {
  group_host host;
  host.commit("g", "t", 3);
  CHECK(
    host.commit_in_error(host.commit_in(9, "g", "t", 7)) == kafka_error::none);
  CHECK(host.fetch("g", "t") == 3);
  CHECK(host.fetch_stable("g", "t") == kafka_error::unstable_offset_commit);
  CHECK(host.fetch_stable("g", "u") == kafka_error::none);
  host.mark(9, true);
  CHECK(host.fetch("g", "t") == 7);
  CHECK(host.fetch_stable("g", "t") == kafka_error::none);
}

TEST_CASE("R28: offsets of an aborted transaction never count",
  "[cluster][group_transactions]") {
  group_host host;
  host.commit("g", "t", 3);
  host.commit_in(9, "g", "t", 7);
  host.mark(9, false);
  CHECK(host.fetch("g", "t") == 3);
  CHECK(host.fetch_stable("g", "t") == kafka_error::none);
  host.mark(9, true); // of the next transaction, which had no offsets
  CHECK(host.fetch("g", "t") == 3);
}

TEST_CASE("an aborted transaction leaves no group behind that it made",
  "[cluster][group_transactions]") {
  group_host host;
  host.commit_in(9, "g", "t", 7);
  CHECK(host.group("g"));
  host.mark(9, false);
  CHECK_FALSE(host.group("g"));
}

TEST_CASE("a marker ends the transaction of its producer only",
  "[cluster][group_transactions]") {
  group_host host;
  host.commit_in(1, "g", "t", 5);
  host.commit_in(2, "h", "t", 6);
  host.commit_in(1, "h", "u", 7);
  host.mark(1, true);
  CHECK(host.fetch("g", "t") == 5);
  CHECK(host.fetch("h", "t") == -1);
  CHECK(host.fetch("h", "u") == 7);
  CHECK(host.fetch_stable("h", "t") == kafka_error::unstable_offset_commit);
}

TEST_CASE("the records of a transaction are one batch in its producer's name",
  "[cluster][group_transactions]") {
  group_host host;
  host.appends_at_once = false;
  host.commit_in(9, "g", "t", 7);
  REQUIRE(host.appends.size() == 1);
  const auto& append = host.appends.front();
  REQUIRE(append.transaction);
  CHECK(append.transaction->id == producer_id{9});
  CHECK(append.transaction->epoch == 0);
  CHECK(append.records.size() == 1);
  host.end_append(kafka_error::none);
  host.commit("g", "t", 8);
  CHECK_FALSE(host.appends.front().transaction);
}

TEST_CASE("R20: what is appended of a transaction is not stable, and what is "
          "refused is gone",
  "[cluster][group_transactions]") {
  group_host host;
  host.appends_at_once = false;
  const auto token = host.commit_in(9, "g", "t", 7);
  CHECK_FALSE(host.answered(token));
  CHECK(host.fetch_stable("g", "t") == kafka_error::unstable_offset_commit);
  host.end_append(kafka_error::invalid_producer_epoch);
  CHECK(host.commit_in_error(token) == kafka_error::invalid_producer_epoch);
  CHECK(host.fetch_stable("g", "t") == kafka_error::none);
  CHECK_FALSE(host.group("g"));
  host.mark(9, true);
  host.end_append(kafka_error::none);
  CHECK(host.fetch("g", "t") == -1);
}

TEST_CASE("errors of the log become what Kafka answers",
  "[cluster][group_transactions]") {
  const auto told = [](kafka_error error) {
    group_host host;
    host.appends_at_once = false;
    const auto token = host.commit_in(9, "g", "t", 7);
    host.end_append(error);
    return host.commit_in_error(token);
  };
  CHECK(told(kafka_error::not_enough_replicas)
        == kafka_error::coordinator_not_available);
  CHECK(
    told(kafka_error::not_leader_or_follower) == kafka_error::not_coordinator);
  CHECK(told(kafka_error::message_too_large)
        == kafka_error::invalid_commit_offset_size);
}

TEST_CASE("a marker that cannot be written changes nothing",
  "[cluster][group_transactions]") {
  group_host host;
  host.commit_in(9, "g", "t", 7);
  host.appends_at_once = false;
  host.mark(9, true);
  CHECK(host.fetch("g", "t") == -1);
  host.end_append(kafka_error::transaction_coordinator_fenced);
  CHECK(host.fetch("g", "t") == -1);
  CHECK(host.fetch_stable("g", "t") == kafka_error::unstable_offset_commit);
  host.mark(9, true);
  CHECK(host.fetch("g", "t") == -1);
  host.end_append(kafka_error::none);
  CHECK(host.fetch("g", "t") == 7);
}

TEST_CASE("a commit that is appended before a marker belongs to its "
          "transaction",
  "[cluster][group_transactions]") {
  group_host host;
  host.appends_at_once = false;
  host.commit_in(9, "g", "t", 7);
  host.mark(9, true);
  host.commit_in(9, "g", "t", 8);
  while (!host.appends.empty())
    host.end_append(kafka_error::none);
  CHECK(host.fetch("g", "t") == 7);
  CHECK(host.fetch_stable("g", "t") == kafka_error::unstable_offset_commit);
}

TEST_CASE("what the log refuses at once does not wait for what it is writing",
  "[cluster][group_transactions]") {
  group_host host;
  host.appends_at_once = false;
  const auto first = host.commit("g", "t", 1);
  const auto second = host.commit_in(9, "g", "t", 2);
  // Too large, say: the partition answers before the first is durable.
  std::swap(host.appends[0], host.appends[1]);
  host.end_append(kafka_error::message_too_large);
  CHECK(
    host.commit_in_error(second) == kafka_error::invalid_commit_offset_size);
  CHECK_FALSE(host.answered(first));
  host.end_append(kafka_error::none);
  CHECK(host.commit_error(first) == kafka_error::none);
  CHECK(host.fetch("g", "t") == 1);
}

TEST_CASE("the newest record counts, whenever its transaction ends",
  "[cluster][group_transactions]") {
  group_host host;
  SECTION("an ordinary commit after it") {
    host.commit_in(9, "g", "t", 7);
    host.commit("g", "t", 3);
    host.mark(9, true);
    CHECK(host.fetch("g", "t") == 3);
  }
  SECTION("an ordinary commit before it") {
    host.commit("g", "t", 3);
    host.commit_in(9, "g", "t", 7);
    host.mark(9, true);
    CHECK(host.fetch("g", "t") == 7);
  }
  SECTION("another transaction's, which ends first") {
    host.commit_in(1, "g", "t", 5);
    host.commit_in(2, "g", "t", 6);
    host.mark(2, true);
    CHECK(host.fetch("g", "t") == 6);
    CHECK(host.fetch_stable("g", "t") == kafka_error::unstable_offset_commit);
    host.mark(1, true);
    CHECK(host.fetch("g", "t") == 6);
  }
  CHECK(host.fetch_stable("g", "t") == kafka_error::none);
  // So it does after a restart, from the log and from the image.
  const auto live = host.fetch("g", "t");
  CHECK(group_host{{}, host.log}.fetch("g", "t") == live);
  group_registry from_image{{}, test::counting_uuids()};
  for (const auto& [key, value] : image_of(host.registry))
    REQUIRE(from_image.load(key, value).ok());
  from_image.finish_load(0, 0);
  CHECK(from_image.offsets().committed("g", "t", 0)->offset == live);
}

TEST_CASE("KIP-447: a member commits in its generation only",
  "[cluster][group_transactions]") {
  group_host host;
  const auto ids = host.stable_group("g", 1);
  const auto error = [&](const std::string& member, int32_t generation) {
    return host.commit_in_error(
      host.commit_in(9, "g", "t", 1, member, generation));
  };
  CHECK(error(ids[0], 1) == kafka_error::none);
  CHECK(error(ids[0], 0) == kafka_error::illegal_generation);
  CHECK(error(ids[0], -1) == kafka_error::illegal_generation);
  CHECK(error("ghost", 1) == kafka_error::unknown_member_id);
  CHECK(error("", 1) == kafka_error::unknown_member_id);
  // Who does not say who it is: versions up to 2.
  CHECK(error("", -1) == kafka_error::none);
}

TEST_CASE("KIP-447: who took over a static member fences the one before",
  "[cluster][group_transactions]") {
  group_host host;
  const auto ids = host.stable_group("g", 1, {}, true);
  const auto error = [&](const std::string& member) {
    kafka::txn_offset_commit_request request;
    request.group_id = "g";
    request.producer_id = 9;
    request.producer_epoch = 0;
    request.member_id = member;
    request.group_instance_id = "instance-0";
    request.generation_id = 1;
    request.topics.push_back({"t", {{0, 1, -1, "note"}}});
    return host.commit_in_error(host.send(5, request));
  };
  CHECK(error(ids[0]) == kafka_error::none);
  CHECK(error("older") == kafka_error::fenced_instance_id);
}

TEST_CASE("a transaction may commit while a generation begins",
  "[cluster][group_transactions]") {
  group_host host;
  std::string id;
  host.join_with_id("g", {}, &id);
  host.advance(host.config.initial_rebalance_delay_ms);
  REQUIRE(host.phase("g") == group_phase::completing_rebalance);
  CHECK(host.commit_error(host.commit("g", "t", 1, id, 1))
        == kafka_error::rebalance_in_progress);
  CHECK(host.commit_in_error(host.commit_in(9, "g", "t", 1, id, 1))
        == kafka_error::none);
}

TEST_CASE("a group that is not there takes commits without a generation",
  "[cluster][group_transactions]") {
  group_host host;
  CHECK(host.commit_in_error(host.commit_in(9, "g", "t", 1, "m", 1))
        == kafka_error::illegal_generation);
  CHECK_FALSE(host.group("g"));
  CHECK(host.commit_in_error(host.commit_in(9, "g", "t", 1, "m", -1))
        == kafka_error::none);
  CHECK(host.phase("g") == group_phase::empty);
  CHECK(host.commit_in_error(host.commit_in(9, "", "t", 1))
        == kafka_error::invalid_group_id);
  CHECK(host.commit_in_error(host.commit_in(-1, "g", "t", 1))
        == kafka_error::invalid_producer_id_mapping);
}

TEST_CASE("metadata that is too large is refused for its partition",
  "[cluster][group_transactions]") {
  group_host host{{.offset_metadata_max = 3}};
  kafka::txn_offset_commit_request request;
  request.group_id = "g";
  request.producer_id = 9;
  request.producer_epoch = 0;
  request.topics.push_back({"t", {{0, 1, -1, "four"}, {1, 2, -1, {}}}});
  const auto token = host.send(5, request);
  const auto& partitions = host.answer<kafka::txn_offset_commit_response>(token)
                             .topics[0]
                             .partitions;
  REQUIRE(partitions.size() == 2);
  CHECK(partitions[0].error_code
        == static_cast<int16_t>(kafka_error::offset_metadata_too_large));
  CHECK(partitions[1].error_code == 0);
  host.mark(9, true);
  CHECK(host.fetch("g", "t", 0) == -1);
  CHECK(host.fetch("g", "t", 1) == 2);
}

TEST_CASE("a fetch of everything names unstable partitions that have an offset",
  "[cluster][group_transactions]") {
  group_host host;
  host.commit("g", "t", 3);
  host.commit_in(9, "g", "t", 7);
  host.commit_in(9, "g", "u", 8); // not even one before
  kafka::offset_fetch_request request;
  request.require_stable = true;
  auto& asked = request.groups.emplace_back();
  asked.group_id = "g";
  asked.topics.reset(); // all
  const auto token = host.send(9, request);
  const auto& topics
    = host.answer<kafka::offset_fetch_response>(token).groups.at(0).topics;
  REQUIRE(topics.size() == 1);
  CHECK(topics[0].name == "t");
  const auto& p = topics[0].partitions.at(0);
  CHECK(
    p.error_code == static_cast<int16_t>(kafka_error::unstable_offset_commit));
  CHECK(p.committed_offset == -1);
}

TEST_CASE("R28: a group with an open transaction does not expire",
  "[cluster][group_transactions]") {
  group_host host;
  host.commit("g", "t", 3);
  host.commit("g", "u", 4);
  host.commit_in(9, "g", "t", 7);
  host.commit_in(8, "h", "t", 1);
  host.advance(8 * day_ms);
  CHECK(host.fetch("g", "u") == -1);
  CHECK(host.fetch("g", "t") == 3);
  CHECK(host.group("h"));
  host.mark(9, false);
  host.mark(8, true);
  CHECK(host.fetch("h", "t") == 1);
  host.advance(hour_ms);
  CHECK(host.fetch("g", "t") == -1);
  CHECK_FALSE(host.group("g"));
}

TEST_CASE("what is deleted does not come back with the end of a transaction",
  "[cluster][group_transactions]") {
  group_host host;
  host.commit_in(9, "g", "t", 7);
  host.commit_in(9, "g", "u", 8);
  SECTION("the group") {
    host.send(2, kafka::delete_groups_request{{"g"}});
  }
  SECTION("its offsets") {
    kafka::offset_delete_request request;
    request.group_id = "g";
    request.topics.push_back({"t", {{0}}});
    request.topics.push_back({"u", {{0}}});
    host.send(0, request);
  }
  SECTION("the topics") {
    const std::vector<std::string> topics{"t", "u"};
    host.take(
      host.registry.on_topics_deleted(topics, host.now_ms, host.wall_ms()));
  }
  CHECK(host.fetch_stable("g", "t") == kafka_error::none);
  host.mark(9, true);
  CHECK(host.fetch("g", "t") == -1);
  CHECK(host.fetch("g", "u") == -1);
  CHECK(image_of(host.registry).empty());
  CHECK_FALSE(group_host({}, host.log).group("g"));
}

TEST_CASE("R21, R28: an image in the middle of a transaction and the marker "
          "behind it give its offsets",
  "[cluster][group_transactions]") {
  const auto group = GENERATE(std::string{"g"}, std::string(20'000, 'g'));
  group_host host;
  host.commit(group, "t", 3);
  host.commit_in(9, group, "t", 7);
  host.commit_in(9, group, "u", 8);
  host.commit_in(8, group, "u", 1);
  const auto image = image_of(host.registry);
  const auto covered = host.log.size();
  host.mark(9, true);
  const auto restart = [&](bool with_rest) {
    auto fresh = std::make_unique<group_registry>(
      group_config{}, test::counting_uuids());
    for (const auto& [key, value] : image) {
      CHECK(key.size() <= 500);
      REQUIRE(fresh->load(key, value).ok());
    }
    if (with_rest)
      test::replay(*fresh, host.log, covered);
    fresh->finish_load(0, 0);
    return fresh;
  };
  CHECK(restart(false)->offsets().committed(group, "t", 0)->offset == 3);
  CHECK(restart(false)->transactional().knows({group, "u", 0}));
  const auto after = restart(true);
  CHECK(after->offsets().committed(group, "t", 0)->offset == 7);
  CHECK(after->offsets().committed(group, "u", 0)->offset == 8);
  CHECK_FALSE(after->transactional().knows({group, "t", 0}));
  CHECK(after->transactional().find({8}, {group, "u", 0}));
  // The image changes as the registry does: one entry goes for each that was
  // pending of the producer, and the committed ones come.
  const auto rest = after->take_changes();
  CHECK(rest.size() == 4);
}

TEST_CASE("an image of before transactions is read, and counts as older",
  "[cluster][group_transactions]") {
  group_host host;
  host.commit("g", "t", 3);
  auto image = image_of(host.registry);
  REQUIRE(image.size() == 1);
  // Then the value was: the key's length, key and value.
  auto& value = image.begin()->second;
  value.erase(4, 8);
  value[0] = '\0';
  group_registry fresh{{}, test::counting_uuids()};
  REQUIRE(fresh.load(image.begin()->first, value).ok());
  test::replay(
    fresh, {{encode_offset_record({"g", "t", 0}, committed_offset{.offset = 7}),
              {9}, {}},
             {{}, {9}, true}});
  fresh.finish_load(0, 0);
  CHECK(fresh.offsets().committed("g", "t", 0)->offset == 7);
}

} // namespace millrace
