#include "cluster/group_answers.hpp"
#include "cluster/group_records.hpp"
#include "tests/cluster/share_group_host.hpp"

// Share groups (KIP-932) in a registry of groups. Errors and their texts are
// those of a Kafka 4.3.1 that was asked the same.

namespace millrace {

using test::share_group_host;

namespace {

uuid id_of(const std::string& topic) {
  return share_group_host::topic_id(topic);
}

partition_set all(const std::string& topic, int32_t count) {
  partition_set set;
  for (int32_t p = 0; p < count; ++p)
    insert(set, id_of(topic), p);
  return set;
}

struct hosted : share_group_host {
  explicit hosted(const group_config& config = immediate(),
    const std::vector<test::logged>& log = {})
      : share_group_host(config, log) {
    set_topic("t", 3);
  }
};

std::string text(const share_group_host::response& answer) {
  return answer.error_message.value_or("");
}

} // namespace

TEST_CASE(
  "a heartbeat that makes no sense is refused", "[cluster][share_groups]") {
  hosted h;
  const auto error = [&](share_group_host::request r) {
    return h.error<share_group_host::response>(h.send(1, r));
  };
  share_group_host::request good;
  good.group_id = "g";
  good.member_id = "m";
  good.subscribed_topic_names = {"t"};
  auto bad = good;
  bad.group_id.clear();
  CHECK(error(bad) == kafka_error::invalid_request);
  bad = good;
  bad.member_id.clear();
  CHECK(error(bad) == kafka_error::invalid_request);
  bad.member_id = std::string(37, 'm'); // no text of a UUID is as long
  CHECK(error(bad) == kafka_error::invalid_request);
  bad = good;
  bad.rack_id = " ";
  CHECK(error(bad) == kafka_error::invalid_request);
  bad = good;
  bad.subscribed_topic_names.reset();
  CHECK(error(bad) == kafka_error::invalid_request);
  bad.subscribed_topic_names.emplace();
  CHECK(error(bad) == kafka_error::invalid_request);
  bad = good;
  bad.member_epoch = -2;
  CHECK(error(bad) == kafka_error::invalid_request);
  CHECK(h.log.empty());
  CHECK(error(good) == kafka_error::none);
}

TEST_CASE("until the topics are known members are told to come back",
  "[cluster][share_groups]") {
  share_group_host h;
  CHECK(h.beat_error("g", "m", 0) == kafka_error::coordinator_load_in_progress);
}

TEST_CASE("a member gets its partitions once they have states",
  "[cluster][share_groups]") {
  hosted h;
  h.orders_at_once = false;
  const auto joined = h.beat("g", "m", 0);
  CHECK(joined.member_id == "m");
  CHECK(joined.member_epoch == 2);
  CHECK(joined.heartbeat_interval_ms == 500); // it is to come soon
  CHECK(joined.assignment.value().topic_partitions.empty());
  CHECK(h.share_orders.size() == 3);
  CHECK(h.beat("g", "m", 2).member_epoch == 2);
  CHECK(h.share_orders.size() == 3); // each is asked for once
  h.answer_orders();
  const auto then = h.beat("g", "m", 2);
  CHECK(then.member_epoch == 3);
  REQUIRE(then.assignment);
  CHECK(partitions_of(then.assignment->topic_partitions) == all("t", 3));
  const auto later = h.beat("g", "m", 3);
  CHECK(later.member_epoch == 3);
  CHECK_FALSE(later.assignment); // nothing is new
  const auto* state = h.states.find({"g", id_of("t"), 1});
  REQUIRE(state);
  // The epoch of the group, and where to begin is for the leader to choose.
  CHECK(
    state->snapshot() == share_partition_snapshot{2, 0, offset{-1}, -1, {}});
  h.advance(5'000);
  CHECK(h.beat("g", "m", 3).heartbeat_interval_ms == 5'000);
}

TEST_CASE("a state that could not be made is asked for again",
  "[cluster][share_groups]") {
  hosted h;
  h.refuse_orders = kafka_error::coordinator_not_available;
  h.beat("g", "m", 0);
  h.refuse_orders = kafka_error::none;
  CHECK_FALSE(h.beat("g", "m", 2).assignment); // not at once
  h.advance(1'000);
  h.beat("g", "m", 2);
  CHECK(h.beat("g", "m", 2).assignment);
}

TEST_CASE("the first records of a share group are Kafka's, in its order",
  "[cluster][share_groups]") {
  hosted h;
  h.beat("g", "m", 0);
  std::vector<size_t> kinds;
  for (const auto& entry : h.log) {
    const auto record = decode_share_group_record(entry.key, *entry.value);
    REQUIRE(record.ok());
    kinds.push_back(record->change.index());
  }
  // Member, group, targets, current, states to be; then states that are. (Of
  // Kafka also a target without partitions.)
  CHECK(kinds == std::vector<size_t>{0, 1, 2, 4, 5, 5});
}

TEST_CASE("a group that is not there takes nobody but who joins",
  "[cluster][share_groups]") {
  hosted h;
  CHECK(text(h.beat("g", "m", 1)) == "Share group g not found.");
  CHECK(h.beat_error("g", "m", 1) == kafka_error::group_id_not_found);
  CHECK(text(h.beat("g", "m", -1)) == "Group g not found.");
  CHECK(h.log.empty());
}

TEST_CASE(
  "a member with another epoch than its own or the one before is fenced",
  "[cluster][share_groups]") {
  hosted h;
  h.beat("g", "m", 0);
  CHECK(h.beat("g", "m", 2).member_epoch == 3);
  CHECK(h.beat("g", "m", 2).member_epoch == 3); // the answer may be lost
  CHECK(h.beat_error("g", "m", 1) == kafka_error::fenced_member_epoch);
  CHECK(h.beat_error("g", "m", 4) == kafka_error::fenced_member_epoch);
  CHECK(h.beat_error("g", "other", 3) == kafka_error::unknown_member_id);
  CHECK(h.beat_error("g", "other", -1) == kafka_error::unknown_member_id);
  CHECK(text(h.beat("g", "other", 3))
        == "Member other is not a member of group g.");
  // It may join again at any time, and is told all.
  const auto again = h.beat("g", "m", 0);
  CHECK(again.member_epoch == 3);
  CHECK(
    partitions_of(again.assignment.value().topic_partitions) == all("t", 3));
}

TEST_CASE("members share what there is, and get the rest when others leave",
  "[cluster][share_groups]") {
  hosted h;
  for (const auto* member : {"a", "b", "c", "d"})
    h.beat("g", member, 0);
  partition_set together;
  for (const auto* member : {"a", "b", "c", "d"}) {
    const auto has = h.settle("g", member);
    CHECK(count_of(has) == 1);
    for (const auto& [topic, partitions] : has)
      for (const auto p : partitions)
        insert(together, topic, p);
  }
  CHECK(together == all("t", 3));
  const auto left = h.beat("g", "b", -1);
  CHECK(left.member_epoch == -1);
  h.beat("g", "c", -1);
  h.beat("g", "d", -1);
  CHECK(h.settle("g", "a") == all("t", 3));
  h.beat("g", "a", -1);
  CHECK(h.shares().find("g")->is_empty());
  CHECK(h.shares().find("g")->metadata_hash() == 0);
}

TEST_CASE("assignments are made together, an interval apart",
  "[cluster][share_groups]") {
  hosted h{group_config{}};
  h.beat("g", "a", 0);
  const auto epoch = h.shares().find("g")->assignment_epoch();
  h.beat("g", "b", 0);
  h.beat("g", "c", 0);
  CHECK(h.shares().find("g")->assignment_epoch() == epoch);
  h.advance(1'000);
  CHECK(h.beat("g", "b", epoch).member_epoch > epoch);
}

TEST_CASE("a member that is silent is taken out", "[cluster][share_groups]") {
  hosted h;
  h.beat("g", "a", 0);
  h.advance(30'000);
  h.beat("g", "b", 0);
  h.advance(15'000);
  REQUIRE(h.shares().find("g")->members().size() == 1);
  CHECK(h.beat_error("g", "a", 3) == kafka_error::unknown_member_id);
  CHECK(h.settle("g", "b") == all("t", 3));
  h.advance(45'000);
  CHECK(h.shares().find("g")->is_empty());
}

TEST_CASE("a full group takes nobody else", "[cluster][share_groups]") {
  auto config = share_group_host::immediate();
  config.share.size_max = 2;
  hosted h{config};
  h.beat("g", "a", 0);
  h.beat("g", "b", 0);
  const auto refused = h.beat("g", "c", 0);
  CHECK(refused.error_code == code_of(kafka_error::group_max_size_reached));
  CHECK(text(refused)
        == "The share group has reached its maximum capacity of 2 members.");
  CHECK(h.beat_error("g", "a", 0) == kafka_error::none);
}

TEST_CASE(
  "topics that come, grow and go change the group", "[cluster][share_groups]") {
  hosted h;
  h.beat("g", "m", 0, {{"t", "later"}});
  CHECK(h.settle("g", "m") == all("t", 3));
  h.set_topic("t", 5);
  CHECK(h.settle("g", "m") == all("t", 5));
  h.set_topic("later", 1);
  CHECK(count_of(h.settle("g", "m")) == 6);
  h.set_topic("t", 0);
  const std::vector<std::string> gone{"t"};
  h.take(h.registry.on_topics_deleted(gone, h.now_ms, h.wall_ms()));
  CHECK(h.settle("g", "m") == all("later", 1));
  CHECK(h.shares().find("g")->partitions().initialized.topics().size() == 1);
}

TEST_CASE("a failed append leaves no trace", "[cluster][share_groups]") {
  hosted h;
  h.appends_at_once = false;
  share_group_host::request r;
  r.group_id = "g";
  r.member_id = "m";
  r.subscribed_topic_names = {"t"};
  const auto token = h.send(1, r);
  CHECK_FALSE(h.answered(token));
  h.end_append(kafka_error::not_enough_replicas);
  CHECK(h.error<share_group_host::response>(token)
        == kafka_error::coordinator_not_available);
  CHECK(h.shares().groups().empty());
  CHECK(h.share_orders.empty());
  h.appends_at_once = true;
  h.beat("g", "m", 0);
  CHECK(h.settle("g", "m") == all("t", 3));
}

TEST_CASE("a restart at any record of a share group's life knows as much",
  "[cluster][share_groups]") {
  hosted h;
  h.set_topic("u", 2);
  h.beat("g", "a", 0, {{"t", "u"}});
  h.settle("g", "a");
  h.beat("g", "b", 0);
  h.settle("g", "b");
  h.settle("g", "a");
  h.beat("g", "b", -1);
  h.set_topic("t", 4);
  h.settle("g", "a");
  const hosted again{share_group_host::immediate(), h.log};
  const auto* known = h.shares().find("g");
  const auto* read = again.shares().find("g");
  REQUIRE(read);
  CHECK(*read == *known);
  CHECK(*read == *again.shares().find_committed("g"));
  // Wherever it ends, the rest of the group goes on.
  for (size_t size = 0; size <= h.log.size(); ++size) {
    INFO(size);
    hosted cut{share_group_host::immediate(),
      {h.log.begin(), h.log.begin() + static_cast<std::ptrdiff_t>(size)}};
    cut.set_topic("u", 2);
    cut.beat("g", "a", 0, {{"t", "u"}});
    cut.beat("g", "b", -1);
    const auto has = cut.settle("g", "a");
    CHECK(count_of(has) == 5);
  }
}

TEST_CASE("members that were there before a restart get a whole session",
  "[cluster][share_groups]") {
  hosted h;
  h.beat("g", "m", 0);
  hosted again{share_group_host::immediate(), h.log};
  again.advance(44'000);
  CHECK(again.shares().find("g")->members().size() == 1);
  again.advance(1'000);
  CHECK(again.shares().find("g")->is_empty());
}

TEST_CASE("a name is of one kind of group", "[cluster][share_groups]") {
  hosted h;
  h.beat("g", "m", 0);
  kafka::consumer_group_heartbeat_request consumer;
  consumer.group_id = "g";
  consumer.member_id = "m";
  consumer.rebalance_timeout_ms = 1'000;
  consumer.subscribed_topic_names = {"t"};
  consumer.topic_partitions.emplace();
  using consumer_response = kafka::consumer_group_heartbeat_response;
  CHECK(h.error<consumer_response>(h.send(1, consumer))
        == kafka_error::group_id_not_found);
  CHECK(h.error<kafka::join_group_response>(h.join("g"))
        == kafka_error::inconsistent_group_protocol);
  kafka::offset_commit_request commit;
  commit.group_id = "g";
  commit.generation_id_or_member_epoch = -1;
  commit.topics.push_back({"t", {}, {{0, 1, -1, {}}}});
  const auto committed = h.send(9, commit);
  CHECK(h.answer<kafka::offset_commit_response>(committed)
          .topics.at(0)
          .partitions.at(0)
          .error_code
        == code_of(kafka_error::group_id_not_found));

  consumer.group_id = "c";
  h.send(1, consumer);
  const auto refused = h.beat("c", "m", 0);
  CHECK(refused.error_code == code_of(kafka_error::group_id_not_found));
  CHECK(text(refused) == "Group c is not a share group.");
  CHECK(
    h.beat("c", "m", -2).error_code == code_of(kafka_error::invalid_request));
}

TEST_CASE("share groups are listed and described", "[cluster][share_groups]") {
  hosted h;
  h.beat("g", "m", 0);
  h.settle("g", "m");
  kafka::list_groups_request list;
  list.types_filter = {"Share"};
  const auto& listed
    = h.answer<kafka::list_groups_response>(h.send(5, list)).groups;
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].group_id == "g");
  CHECK(listed[0].protocol_type == "share");
  CHECK(listed[0].group_type == "share");
  CHECK(listed[0].group_state == "Stable");

  kafka::share_group_describe_request describe;
  describe.group_ids = {"g", "nope"};
  describe.include_authorized_operations = true;
  const auto& groups
    = h.answer<kafka::share_group_describe_response>(h.send(1, describe))
        .groups;
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].group_state == "Stable");
  CHECK(groups[0].assignor_name == "simple");
  CHECK(groups[0].group_epoch == 3);
  CHECK(groups[0].assignment_epoch == 3);
  CHECK(groups[0].authorized_operations == 3400);
  REQUIRE(groups[0].members.size() == 1);
  const auto& member = groups[0].members[0];
  CHECK(member.member_id == "m");
  CHECK(member.member_epoch == 3);
  CHECK(member.client_host == "/127.0.0.1");
  CHECK(member.assignment.topic_partitions.at(0).topic_name == "t");
  CHECK(groups[1].error_code == code_of(kafka_error::group_id_not_found));
  CHECK(groups[1].error_message == "Group nope not found.");

  kafka::describe_groups_request classic;
  classic.groups = {"g"};
  CHECK(h.answer<kafka::describe_groups_response>(h.send(6, classic))
          .groups.at(0)
          .error_message
        == "Group g is not a classic group.");
}

} // namespace millrace
