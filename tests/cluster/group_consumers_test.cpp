#include "tests/cluster/group_host.hpp"

// Groups whose coordinator assigns (KIP-848) beside classic ones, in one
// registry with one log.

namespace millrace {

using test::group_host;
using test::join_options;

namespace {

constexpr uuid topic{0, 77};

using beat_request = kafka::consumer_group_heartbeat_request;
using beat_response = kafka::consumer_group_heartbeat_response;

void set_topics(group_host& host) {
  host.registry.set_topics(std::make_shared<topic_view>(
    1, std::vector<topic_view::topic>{{"t", topic, 4}}));
}

group_config immediate() {
  group_config config;
  config.consumer.assignment_interval_ms = 0;
  return config;
}

struct hosted : group_host {
  explicit hosted(const std::vector<test::logged>& log = {})
      : group_host(immediate(), log) {
    set_topics(*this);
  }

  uint64_t beat(const std::string& group, const std::string& member,
    int32_t epoch, const partition_set& owned = {}) {
    beat_request r;
    r.group_id = group;
    r.member_id = member;
    r.member_epoch = epoch;
    if (epoch == 0) {
      r.rebalance_timeout_ms = 60'000;
      r.subscribed_topic_names = {"t"};
    }
    r.topic_partitions = list_of<beat_request::owned_topic_partitions>(owned);
    return send(1, r);
  }
  int32_t epoch_of(uint64_t token) const {
    const auto& response = answer<beat_response>(token);
    CHECK(response.error_code == 0);
    return response.member_epoch;
  }
  kafka_error beat_error(uint64_t token) const {
    return error<beat_response>(token);
  }

  std::vector<std::string> listed(
    std::vector<std::string> types = {}, std::vector<std::string> states = {}) {
    kafka::list_groups_request request;
    request.types_filter = std::move(types);
    request.states_filter = std::move(states);
    std::vector<std::string> all;
    for (const auto& g :
      answer<kafka::list_groups_response>(send(5, request)).groups)
      all.push_back(g.group_id + " " + g.group_type + " " + g.group_state + " "
                    + g.protocol_type);
    return all;
  }
  kafka_error deleted(const std::string& group) {
    const auto& response = answer<kafka::delete_groups_response>(
      send(2, kafka::delete_groups_request{{group}}));
    return static_cast<kafka_error>(response.results.at(0).error_code);
  }
  kafka_error fetched(const std::optional<std::string>& member, int32_t epoch) {
    kafka::offset_fetch_request request;
    auto& g = request.groups.emplace_back();
    g.group_id = "g";
    g.member_id = member;
    g.member_epoch = epoch;
    const auto& response
      = answer<kafka::offset_fetch_response>(send(9, request));
    return static_cast<kafka_error>(response.groups.at(0).error_code);
  }
};

} // namespace

TEST_CASE("both kinds of groups are listed, each by its name",
  "[cluster][group_consumers]") {
  hosted host;
  host.beat("g", "m", 0);
  host.commit("plain", "t", 1);
  CHECK(host.listed()
        == std::vector<std::string>{
          "plain classic Empty ", "g consumer Stable consumer"});
  CHECK(host.listed({"Consumer"})
        == std::vector<std::string>{"g consumer Stable consumer"});
  CHECK(host.listed({"classic"}, {"stable"}).empty());
  CHECK(host.listed({}, {"stable"}).size() == 1);
}

TEST_CASE(
  "a group is described by the API of its kind", "[cluster][group_consumers]") {
  hosted host;
  host.beat("g", "m", 0);
  host.commit("plain", "t", 1);
  kafka::consumer_group_describe_request request;
  request.group_ids = {"g", "plain", "none"};
  const auto& described = host.answer<kafka::consumer_group_describe_response>(
    host.send(1, request));
  REQUIRE(described.groups.size() == 3);
  CHECK(described.groups[0].error_code == 0);
  CHECK(described.groups[0].members.size() == 1);
  CHECK(described.groups[1].error_message
        == "Group plain is not a consumer group.");
  CHECK(described.groups[2].error_message == "Group none not found.");
  const auto& classic = host.answer<kafka::describe_groups_response>(
    host.send(6, kafka::describe_groups_request{{"g"}}));
  CHECK(classic.groups[0].group_state == "Dead");
  CHECK(classic.groups[0].error_message == "Group g is not a classic group.");
}

TEST_CASE(
  "members commit and fetch with their epoch", "[cluster][group_consumers]") {
  hosted host;
  const auto epoch = host.epoch_of(host.beat("g", "m", 0));
  CHECK(host.commit_error(host.commit("g", "t", 5, "m", epoch))
        == kafka_error::none);
  CHECK(host.fetch("g", "t") == 5);
  CHECK(host.commit_error(host.commit("g", "t", 6, "m", epoch + 1))
        == kafka_error::stale_member_epoch);
  CHECK(host.commit_error(host.commit("g", "t", 6, "x", epoch))
        == kafka_error::unknown_member_id);
  CHECK(host.commit_error(host.commit("g", "t", 6))
        == kafka_error::unknown_member_id);
  CHECK(host.fetched("m", epoch) == kafka_error::none);
  CHECK(host.fetched("m", epoch - 1) == kafka_error::stale_member_epoch);
  CHECK(host.fetched("x", epoch) == kafka_error::unknown_member_id);
  CHECK(host.fetched({}, -1) == kafka_error::none);
  // An older epoch, for what it has had since then (KIP-1251): another one
  // joins, and it gives up two of four.
  host.beat("g", "other", 0);
  const auto owned
    = partitions_of(host.answer<beat_response>(host.beat("g", "m", epoch))
        .assignment->topic_partitions);
  REQUIRE(count_of(owned) == 2);
  host.beat("g", "m", epoch, owned);
  CHECK(host.registry.consumers().find("g")->find("m")->epoch == epoch + 1);
  CHECK(host.commit_error(
          host.commit("g", "t", 7, "m", epoch, owned.at(topic).front()))
        == kafka_error::none);
  const auto lost = contains(owned, topic, 0) ? 3 : 0;
  CHECK(host.commit_error(host.commit("g", "t", 7, "m", epoch, lost))
        == kafka_error::stale_member_epoch);
}

TEST_CASE("a group with members is not deleted, one without is, with its "
          "offsets",
  "[cluster][group_consumers]") {
  hosted host;
  const auto epoch = host.epoch_of(host.beat("g", "m", 0));
  host.commit("g", "t", 5, "m", epoch);
  CHECK(host.deleted("g") == kafka_error::non_empty_group);
  host.beat("g", "m", -1);
  CHECK(host.listed() == std::vector<std::string>{"g consumer Empty consumer"});
  CHECK(host.deleted("g") == kafka_error::none);
  CHECK(host.listed().empty());
  CHECK(host.fetch("g", "t") == -1);
  CHECK(host.deleted("g") == kafka_error::group_id_not_found);
  CHECK(hosted{host.log}.listed().empty());
}

TEST_CASE("offsets of topics that are subscribed to stay",
  "[cluster][group_consumers]") {
  hosted host;
  const auto epoch = host.epoch_of(host.beat("g", "m", 0));
  host.commit("g", "t", 5, "m", epoch);
  host.commit("g", "other", 5, "m", epoch);
  kafka::offset_delete_request request;
  request.group_id = "g";
  for (const auto* name : {"t", "other"}) {
    auto& asked = request.topics.emplace_back();
    asked.name = name;
    asked.partitions.push_back({0});
  }
  const auto& response
    = host.answer<kafka::offset_delete_response>(host.send(0, request));
  CHECK(response.error_code == 0);
  CHECK(response.topics.at(0).partitions.at(0).error_code
        == static_cast<int16_t>(kafka_error::group_subscribed_to_topic));
  CHECK(response.topics.at(1).partitions.at(0).error_code == 0);
  CHECK(host.fetch("g", "t") == 5);
  CHECK(host.fetch("g", "other") == -1);
}

TEST_CASE("a restart finds both kinds of groups, and their offsets",
  "[cluster][group_consumers]") {
  hosted host;
  const auto epoch = host.epoch_of(host.beat("g", "m", 0));
  host.commit("g", "t", 5, "m", epoch);
  host.commit("plain", "t", 1);
  hosted again{host.log};
  CHECK(again.listed() == host.listed());
  CHECK(again.fetch("g", "t") == 5);
  CHECK(again.group("g") == nullptr);
  CHECK(again.epoch_of(again.beat("g", "m", epoch)) == epoch);
}

TEST_CASE("an empty classic group becomes one whose coordinator assigns, and "
          "keeps its offsets",
  "[cluster][group_consumers]") {
  hosted host;
  const auto ids = host.stable_group("g", 1);
  const auto classic = host.group("g")->generation();
  host.commit("g", "t", 5, ids[0], classic);
  CHECK(host.beat_error(host.beat("g", "m", 0))
        == kafka_error::group_id_not_found); // somebody is in it
  host.leave("g", ids[0]);
  CHECK(host.epoch_of(host.beat("g", "m", 0)) == 2);
  CHECK(
    host.listed() == std::vector<std::string>{"g consumer Stable consumer"});
  CHECK(host.fetch("g", "t") == 5);
  CHECK(hosted{host.log}.listed() == host.listed());
  CHECK(host.join_error(host.join("g"))
        == kafka_error::inconsistent_group_protocol);
}

TEST_CASE("a group without members becomes a classic one",
  "[cluster][group_consumers]") {
  hosted host;
  const auto epoch = host.epoch_of(host.beat("g", "m", 0));
  host.commit("g", "t", 5, "m", epoch);
  host.beat("g", "m", -1);
  host.stable_group("g", 2);
  CHECK(host.listed() == std::vector<std::string>{"g classic Stable consumer"});
  CHECK(host.fetch("g", "t") == 5);
  CHECK(hosted{host.log}.listed() == host.listed());
}

TEST_CASE("what cannot be written down changes no group's kind (R20)",
  "[cluster][group_consumers]") {
  hosted host;
  const auto ids = host.stable_group("g", 1);
  host.leave("g", ids[0]);
  host.appends_at_once = false;
  const auto beat = host.beat("g", "m", 0);
  CHECK_FALSE(host.answered(beat));
  host.end_append(kafka_error::not_enough_replicas);
  CHECK(host.beat_error(beat) == kafka_error::coordinator_not_available);
  CHECK(host.listed() == std::vector<std::string>{"g classic Empty consumer"});
  host.appends_at_once = true;
  host.epoch_of(host.beat("g", "m", 0));
  host.beat("g", "m", -1);
  host.appends_at_once = false;
  join_options options;
  options.version = 3; // needs no id first
  const auto join = host.join("g", options);
  host.end_append(kafka_error::not_enough_replicas);
  CHECK(host.join_error(join) == kafka_error::coordinator_not_available);
  CHECK(host.listed() == std::vector<std::string>{"g consumer Empty consumer"});
}

TEST_CASE("a heartbeat that writes nothing waits for what it is built on",
  "[cluster][group_consumers]") {
  hosted host;
  host.appends_at_once = false;
  const auto first = host.beat("g", "m", 0);
  partition_set all{{topic, {0, 1, 2, 3}}};
  const auto second = host.beat("g", "m", 2, all);
  CHECK_FALSE(host.answered(first));
  CHECK_FALSE(host.answered(second));
  CHECK(host.listed().empty()); // nobody is shown it yet
  host.end_append(kafka_error::none);
  CHECK(host.epoch_of(first) == 2);
  CHECK(host.epoch_of(second) == 2);
}

TEST_CASE("offsets of groups without members expire, and the groups with them",
  "[cluster][group_consumers]") {
  hosted host;
  auto epoch = host.epoch_of(host.beat("g", "m", 0));
  host.commit("g", "t", 5, "m", epoch);
  host.commit("g", "other", 5, "m", epoch);
  const auto day = int64_t{24} * 3'600'000;
  // It stays, so its own topic's offset does; the other one's goes.
  for (int hours = 0; hours < 8 * 24 * 120; ++hours) {
    host.advance(30'000);
    host.answers.clear();
    host.beat("g", "m", epoch, {{topic, {0, 1, 2, 3}}});
  }
  CHECK(host.fetch("g", "t") == 5);
  CHECK(host.fetch("g", "other") == -1);
  host.beat("g", "m", -1);
  host.advance(8 * day);
  CHECK(host.fetch("g", "t") == -1);
  CHECK(host.listed().empty());
  CHECK(hosted{host.log}.listed().empty());
}

TEST_CASE("a group has its own time-outs where it is configured",
  "[cluster][group_consumers]") {
  hosted host;
  host.registry.configure(
    {{"g", {{"consumer.session.timeout.ms", "9000"},
             {"consumer.heartbeat.interval.ms", "700"}}}});
  const auto beat = host.beat("g", "m", 0);
  host.beat("other", "m", 0);
  host.advance(8'000);
  const partition_set all{{topic, {0, 1, 2, 3}}};
  CHECK(host.answer<beat_response>(host.beat("g", "m", 2, all))
          .heartbeat_interval_ms
        == 700);
  CHECK(host.answer<beat_response>(host.beat("other", "m", 2, all))
          .heartbeat_interval_ms
        == 5'000);
  CHECK(host.epoch_of(beat) == 2);
  host.advance(9'000);
  CHECK(host.listed()
        == std::vector<std::string>{
          "g consumer Empty consumer", "other consumer Stable consumer"});
  host.registry.configure({});
  host.beat("g", "m", 0);
  host.advance(9'000);
  CHECK(host.listed({}, {"stable"}).size() == 2);
}

TEST_CASE("members of a group whose session is over are gone",
  "[cluster][group_consumers]") {
  hosted host;
  host.beat("g", "m", 0);
  host.advance(host.config.consumer.session_timeout_ms);
  CHECK(host.listed() == std::vector<std::string>{"g consumer Empty consumer"});
}

TEST_CASE("who waits when the partition moves away is told so",
  "[cluster][group_consumers]") {
  hosted host;
  host.appends_at_once = false;
  const auto beat = host.beat("g", "m", 0);
  host.appends.clear();
  host.take(host.registry.abandon(host.now_ms, host.wall_ms()));
  CHECK(host.beat_error(beat) == kafka_error::not_coordinator);
}

TEST_CASE("offsets in a transaction are committed with the member's epoch",
  "[cluster][group_consumers]") {
  hosted host;
  const auto epoch = host.epoch_of(host.beat("g", "m", 0));
  const auto commit = [&](const std::string& member, int32_t with_epoch) {
    kafka::txn_offset_commit_request r;
    r.transactional_id = "x";
    r.group_id = "g";
    r.producer_id = 9;
    r.producer_epoch = 0;
    r.member_id = member;
    r.generation_id = with_epoch;
    auto& t = r.topics.emplace_back();
    t.name = "t";
    t.partitions.push_back({0, 5, -1, ""});
    const auto& response
      = host.answer<kafka::txn_offset_commit_response>(host.send(3, r));
    return static_cast<kafka_error>(
      response.topics.at(0).partitions.at(0).error_code);
  };
  CHECK(commit("m", epoch + 1) == kafka_error::stale_member_epoch);
  CHECK(commit("x", epoch) == kafka_error::unknown_member_id);
  CHECK(commit("m", epoch) == kafka_error::none);
  host.mark(9, true);
  CHECK(host.fetch("g", "t") == 5);
  CHECK(host.group("g") == nullptr);
}

} // namespace millrace
