#include "cluster/group_answers.hpp"
#include "tests/cluster/share_group_host.hpp"

namespace millrace {

using test::share_group_host;

namespace {

using offsets_request = kafka::describe_share_group_offsets_request;
using offsets_response = kafka::describe_share_group_offsets_response;
using alter_request = kafka::alter_share_group_offsets_request;
using alter_response = kafka::alter_share_group_offsets_response;
using delete_request = kafka::delete_share_group_offsets_request;
using delete_response = kafka::delete_share_group_offsets_response;

struct hosted : share_group_host {
  hosted() {
    set_topic("t", 3);
  }
  /// A group that has been in `t`, and in which nobody is.
  void make_empty(const std::string& group) {
    beat(group, "m", 0);
    settle(group, "m");
    beat(group, "m", -1);
  }
  alter_response alter(const std::string& group,
    const std::map<std::string, std::map<int32_t, int64_t>>& offsets) {
    alter_request request;
    request.group_id = group;
    for (const auto& [name, partitions] : offsets) {
      auto& t = request.topics.emplace_back();
      t.topic_name = name;
      for (const auto& [p, at] : partitions)
        t.partitions.push_back({p, at});
    }
    return answer<alter_response>(ask(0, request));
  }
  offsets_response::response_group offsets(
    const std::string& group, int16_t version = 1) {
    offsets_request request;
    request.groups.push_back({group, std::nullopt});
    return answer<offsets_response>(ask(version, request)).groups.at(0);
  }
  delete_response forget(
    const std::string& group, const std::vector<std::string>& topics) {
    delete_request request;
    request.group_id = group;
    for (const auto& name : topics)
      request.topics.push_back({name});
    return answer<delete_response>(ask(0, request));
  }
  uint64_t remove(const std::vector<std::string>& groups) {
    kafka::delete_groups_request request;
    request.groups_names = groups;
    return ask(2, request);
  }
  kafka_error removed(const std::string& group) {
    return static_cast<kafka_error>(
      answer<kafka::delete_groups_response>(remove({group}))
        .results.at(0)
        .error_code);
  }
};

} // namespace

TEST_CASE("the offsets of a share group are told with what it lags behind",
  "[cluster][share_group_admin]") {
  hosted h;
  h.make_empty("g");
  h.alter("g", {{"t", {{1, 40}}}});
  h.log_end = 100;
  const auto told = h.offsets("g");
  REQUIRE(told.topics.size() == 1);
  CHECK(told.topics[0].topic_name == "t");
  CHECK(told.topics[0].topic_id == share_group_host::topic_id("t"));
  const auto& partitions = told.topics[0].partitions;
  REQUIRE(partitions.size() == 3);
  CHECK(partitions[0].start_offset == -1); // its leader has yet to choose
  CHECK(partitions[0].lag == -1);
  CHECK(partitions[1].start_offset == 40);
  CHECK(partitions[1].lag == 60);
  CHECK(h.offsets("g", 0).topics[0].partitions[1].start_offset == 40);
}

TEST_CASE("partitions and groups that are not there have no offsets",
  "[cluster][share_group_admin]") {
  hosted h;
  h.make_empty("g");
  CHECK(h.offsets("nope").topics.empty());
  CHECK(h.offsets("nope").error_code == 0);
  offsets_request request;
  request.groups.push_back({"g", {{{"t", {0, 7}}, {"nope", {0}}}}});
  request.groups.push_back({"nope", {{{"t", {0}}}}});
  const auto told = h.answer<offsets_response>(h.ask(1, request));
  for (const auto& group : told.groups)
    for (const auto& topic : group.topics)
      for (const auto& p : topic.partitions) {
        CHECK(p.start_offset == -1);
        CHECK(p.error_code == 0);
      }
  CHECK(told.groups.at(0).topics.at(1).topic_id.is_zero());
}

TEST_CASE("an error of a share coordinator is told with its partition",
  "[cluster][share_group_admin]") {
  hosted h;
  h.make_empty("g");
  h.refuse_orders = kafka_error::coordinator_not_available;
  const auto told = h.offsets("g");
  for (const auto& p : told.topics.at(0).partitions) {
    CHECK(p.error_code == code_of(kafka_error::coordinator_not_available));
    CHECK(p.start_offset == -1);
  }
}

TEST_CASE("offsets are altered while nobody is in the group",
  "[cluster][share_group_admin]") {
  hosted h;
  h.beat("g", "m", 0);
  CHECK(h.alter("g", {{"t", {{0, 3}}}}).error_code
        == code_of(kafka_error::non_empty_group));
  h.beat("g", "m", -1);
  const auto answer
    = h.alter("g", {{"t", {{0, 3}, {7, 3}}}, {"nope", {{0, 3}}}});
  CHECK(answer.error_code == 0);
  REQUIRE(answer.responses.size() == 2);
  CHECK(answer.responses[0].topic_name == "nope");
  CHECK(answer.responses[0].topic_id.is_zero());
  CHECK(answer.responses[0].partitions.at(0).error_code
        == code_of(kafka_error::unknown_topic_or_partition));
  CHECK(answer.responses[1].partitions.at(0).error_code == 0);
  CHECK(answer.responses[1].partitions.at(1).error_code
        == code_of(kafka_error::unknown_topic_or_partition));
  // Whoever has read the state before is fenced: it has the group's epoch.
  const auto state
    = h.states.find({"g", share_group_host::topic_id("t"), 0})->snapshot();
  CHECK(state
        == share_partition_snapshot{
          h.shares().find("g")->epoch(), 0, offset{3}, 0, {}});
}

TEST_CASE("who alters the offsets of no group makes one",
  "[cluster][share_group_admin]") {
  hosted h;
  CHECK(h.alter("new", {{"nope", {{0, 3}}}}).error_code == 0);
  CHECK(h.shares().groups().empty());
  CHECK(h.alter("new", {{"t", {{1, 3}}}}).error_code == 0);
  REQUIRE(h.shares().find("new"));
  CHECK(h.shares().find("new")->is_empty());
  CHECK(h.offsets("new").topics.at(0).partitions.at(0).start_offset == 3);
  // It stays when members come.
  h.beat("new", "m", 0);
  CHECK(count_of(h.settle("new", "m")) == 3);
  CHECK(h.offsets("new").topics.at(0).partitions.at(1).start_offset == 3);
}

TEST_CASE("the group that an alteration makes has nobody to assign anything",
  "[cluster][share_group_admin]") {
  hosted h;
  h.alter("new", {{"t", {{1, 3}}}});
  const auto& group = *h.shares().find("new");
  CHECK(group.epoch() == 1);
  CHECK(group.assignment_epoch() == 1);
}

TEST_CASE("offsets of a group without a name are not there",
  "[cluster][share_group_admin]") {
  hosted h;
  const auto altered = h.alter("", {{"t", {{0, 3}}}});
  CHECK(altered.error_code == code_of(kafka_error::invalid_group_id));
  CHECK(altered.error_message == "The group id is invalid.");
  const auto forgotten = h.forget("", {"t"});
  CHECK(forgotten.error_code == code_of(kafka_error::invalid_group_id));
  CHECK(forgotten.error_message == "The group id is invalid.");
}

TEST_CASE("an offset that could not be altered is what it was",
  "[cluster][share_group_admin]") {
  hosted h;
  h.make_empty("g");
  h.alter("g", {{"t", {{0, 3}}}});
  h.refuse_orders = kafka_error::coordinator_not_available;
  CHECK(
    h.alter("g", {{"t", {{0, 9}}}}).responses.at(0).partitions.at(0).error_code
    == code_of(kafka_error::coordinator_not_available));
  h.refuse_orders = kafka_error::none;
  h.beat("g", "m", 0);
  h.settle("g", "m");
  CHECK(h.offsets("g").topics.at(0).partitions.at(0).start_offset == 3);
}

TEST_CASE("offsets are deleted with their states, topic by topic",
  "[cluster][share_group_admin]") {
  hosted h;
  CHECK(h.forget("g", {"t"}).error_code
        == code_of(kafka_error::group_id_not_found));
  h.set_topic("u", 1);
  h.beat("g", "m", 0);
  CHECK(
    h.forget("g", {"t"}).error_code == code_of(kafka_error::non_empty_group));
  h.settle("g", "m");
  h.beat("g", "m", -1);
  const auto answer = h.forget("g", {"t", "u", "t", "nope"});
  REQUIRE(answer.responses.size() == 3); // each once
  CHECK(answer.responses[0].error_code == 0);
  CHECK(answer.responses[1].error_code
        == code_of(kafka_error::unknown_topic_or_partition));
  CHECK(answer.responses[2].error_code
        == code_of(kafka_error::unknown_topic_or_partition));
  CHECK(answer.responses[1].topic_id.is_zero()); // of what is forgotten only
  CHECK(h.states.size() == 0);
  CHECK(h.offsets("g").topics.empty());
  CHECK(h.shares().find("g")->partitions() == share_group_partitions{});
}

TEST_CASE("what could not be deleted is deleted later",
  "[cluster][share_group_admin]") {
  hosted h;
  h.make_empty("g");
  h.refuse_orders = kafka_error::coordinator_not_available;
  CHECK(h.forget("g", {"t"}).responses.at(0).error_code
        == code_of(kafka_error::coordinator_not_available));
  CHECK(h.removed("g") == kafka_error::coordinator_not_available);
  h.refuse_orders = kafka_error::none;
  CHECK(h.states.size() == 3);
  CHECK(h.forget("g", {"t"}).responses.at(0).error_code == 0);
  CHECK(h.states.size() == 0);
}

TEST_CASE("states that have gone with their topic do not keep their group",
  "[cluster][share_group_admin]") {
  hosted h;
  h.make_empty("g");
  h.make_empty("h");
  h.refuse_orders = kafka_error::unknown_topic_or_partition;
  CHECK(h.forget("g", {"t"}).responses.at(0).error_code == 0);
  CHECK(h.removed("g") == kafka_error::none);
  CHECK(h.removed("h") == kafka_error::none);
  CHECK(h.shares().groups().empty());
}

TEST_CASE("a share group is deleted with its states while nobody is in it",
  "[cluster][share_group_admin]") {
  hosted h;
  h.beat("g", "m", 0);
  CHECK(h.removed("g") == kafka_error::non_empty_group);
  h.beat("g", "m", -1);
  const auto token = h.remove({"nope", "g"});
  const auto& results = h.answer<kafka::delete_groups_response>(token).results;
  REQUIRE(results.size() == 2);
  CHECK(results[0].error_code == code_of(kafka_error::group_id_not_found));
  CHECK(results[1].error_code == 0);
  CHECK(h.states.size() == 0);
  CHECK(h.shares().groups().empty());
  CHECK(h.removed("g") == kafka_error::group_id_not_found);
  const share_group_host again{share_group_host::immediate(), h.log};
  CHECK(again.shares().groups().empty());
}

TEST_CASE("a group into which somebody comes is not deleted",
  "[cluster][share_group_admin]") {
  hosted h;
  h.make_empty("g");
  h.orders_at_once = false;
  const auto token = h.remove({"g"});
  CHECK_FALSE(h.answered(token));
  h.beat("g", "m", 0);
  h.answer_orders();
  CHECK(h.answer<kafka::delete_groups_response>(token).results.at(0).error_code
        == code_of(kafka_error::non_empty_group));
  h.orders_at_once = true;
  CHECK(count_of(h.settle("g", "m")) == 3);
}

TEST_CASE("when the groups move away nobody waits for a share coordinator",
  "[cluster][share_group_admin]") {
  hosted h;
  h.make_empty("g");
  h.orders_at_once = false;
  const auto token = h.remove({"g"});
  h.take(h.registry.abandon(h.now_ms, h.wall_ms()));
  CHECK(h.answer<kafka::delete_groups_response>(token).results.at(0).error_code
        == code_of(kafka_error::not_coordinator));
  // Answers that come later are nobody's.
  h.answer_orders();
}

} // namespace millrace
