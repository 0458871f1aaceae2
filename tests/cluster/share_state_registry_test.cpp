#include "cluster/share_state_registry.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace millrace {

namespace {

using question = share_state_question;

const share_partition_key orders_0{"g", {1, 2}, 0};
const share_partition_key orders_1{"g", {1, 2}, 1};

share_state_batch batch(
  int64_t first, int64_t last, int8_t state, int16_t count = 1) {
  return {offset{first}, offset{last}, state, count};
}

/// A registry with a log that takes every append, or waits to be told.
class host {
public:
  explicit host(share_state_config config = {}, const host* before = nullptr)
      : registry(config) {
    if (before != nullptr) {
      log = before->log;
      first = before->first;
      for (size_t i = 0; i < log.size(); ++i)
        REQUIRE(registry
            .replay(offset{first + static_cast<int64_t>(i)}, log[i].key,
              log[i].value ? std::optional<std::string_view>{*log[i].value}
                           : std::nullopt)
            .ok());
    }
    registry.finish_load();
  }

  share_state_registry registry;
  std::vector<share_state_entry> log;
  int64_t first = 0; ///< what is below has been deleted
  bool appends_at_once = true;
  std::vector<share_state_effects> appends;
  std::map<uint64_t, share_state_answer> answers;
  uint64_t next_token = 1;

  uint64_t ask(question q) {
    const auto token = next_token++;
    take(registry.handle(token, q, 1'000));
    return token;
  }
  share_state_answer answer(question q) {
    const auto token = ask(std::move(q));
    REQUIRE(answers.contains(token));
    return answers.at(token);
  }
  kafka_error error(question q) {
    return answer(std::move(q)).error;
  }
  void take(share_state_effects effects) {
    for (auto& [token, reply] : effects.replies)
      CHECK(answers.emplace(token, std::move(reply)).second);
    if (effects.records.empty())
      return;
    appends.push_back(std::move(effects));
    if (appends_at_once)
      end_append(kafka_error::none);
  }
  void end_append(kafka_error error) {
    REQUIRE_FALSE(appends.empty());
    const auto append = std::move(appends.front());
    appends.erase(appends.begin());
    const offset base{first + static_cast<int64_t>(log.size())};
    if (error == kafka_error::none)
      log.insert(log.end(), append.records.begin(), append.records.end());
    take(registry.on_appended(append.append_id, error, base));
  }
  /// Deletes what nobody needs.
  void prune() {
    const auto end = registry.redundant_end().value;
    log.erase(log.begin(), log.begin() + (end - first));
    first = end;
  }
  share_partition_snapshot state(const share_partition_key& key) {
    return answer({key, question::read{-1}}).state;
  }
};

question initialize(
  const share_partition_key& key, int32_t state_epoch, int64_t start) {
  return {key, question::initialize{state_epoch, offset{start}}};
}

question write(int32_t state_epoch, int32_t leader_epoch, int64_t start,
  std::vector<share_state_batch> batches, int32_t complete = -1) {
  return {orders_0, question::write{state_epoch, leader_epoch, offset{start},
                      complete, std::move(batches)}};
}

} // namespace

TEST_CASE("a share partition that was not initialized is neither read nor "
          "written",
  "[cluster][share_state_registry]") {
  host h;
  CHECK(h.error({orders_0, question::read{0}}) == kafka_error::invalid_request);
  CHECK(h.error(write(0, 0, 0, {})) == kafka_error::invalid_request);
  const auto summary = h.answer({orders_0, question::summarize{}});
  CHECK(summary.error == kafka_error::none);
  CHECK(summary.state == share_partition_snapshot{0, 0, offset{-1}, -1, {}});
  CHECK(h.error({orders_0, question::forget{}}) == kafka_error::none);
  CHECK(h.log.empty());
  CHECK(h.registry.size() == 0);
  CHECK(h.error({{"g", {1, 2}, -1}, question::summarize{}})
        == kafka_error::invalid_request);
}

TEST_CASE("a share partition begins where it is told to, or has yet to choose",
  "[cluster][share_state_registry]") {
  host h;
  CHECK(h.error(initialize(orders_0, 3, 10)) == kafka_error::none);
  CHECK(h.state(orders_0) == share_partition_snapshot{3, 0, offset{10}, 0, {}});
  CHECK(h.error(initialize(orders_1, 3, -1)) == kafka_error::none);
  CHECK(
    h.state(orders_1) == share_partition_snapshot{3, 0, offset{-1}, -1, {}});
}

TEST_CASE("a read by a newer leader fences those before it, durably",
  "[cluster][share_state_registry]") {
  host h;
  h.ask(initialize(orders_0, 3, 10));
  CHECK(h.answer({orders_0, question::read{5}}).state.leader_epoch == 5);
  CHECK(h.log.size() == 2);
  CHECK(
    h.error({orders_0, question::read{4}}) == kafka_error::fenced_leader_epoch);
  CHECK(h.error(write(3, 4, 10, {})) == kafka_error::fenced_leader_epoch);
  CHECK(h.error({orders_0, question::read{5}}) == kafka_error::none);
  CHECK(h.error({orders_0, question::read{-1}}) == kafka_error::none);
  CHECK(h.log.size() == 2);
  host again{{}, &h};
  CHECK(again.error(write(3, 4, 10, {})) == kafka_error::fenced_leader_epoch);
}

TEST_CASE("a write lies over those before it and moves the start",
  "[cluster][share_state_registry]") {
  host h;
  h.ask(initialize(orders_0, 3, 10));
  CHECK(h.error(write(3, 5, 10, {batch(10, 19, 2)}, 10)) == kafka_error::none);
  CHECK(h.error(write(3, 5, 10, {batch(12, 14, 0, 2), batch(30, 39, 0, 2)}, 7))
        == kafka_error::none);
  CHECK(h.state(orders_0)
        == share_partition_snapshot{3, 5, offset{10}, 7,
          {batch(10, 11, 2), batch(12, 14, 0, 2), batch(15, 19, 2),
            batch(30, 39, 0, 2)}});
  CHECK(h.error(write(3, 5, 13, {}, 5)) == kafka_error::none);
  CHECK(h.state(orders_0)
        == share_partition_snapshot{3, 5, offset{13}, 5,
          {batch(13, 14, 0, 2), batch(15, 19, 2), batch(30, 39, 0, 2)}});
  CHECK(h.error(write(3, 5, -1, {}, 5)) == kafka_error::none);
  CHECK(h.state(orders_0).start == offset{13});
  auto summary = h.state(orders_0);
  summary.batches.clear();
  CHECK(h.answer({orders_0, question::summarize{}}).state == summary);
}

TEST_CASE("a write with a state epoch of the past is fenced",
  "[cluster][share_state_registry]") {
  host h;
  h.ask(initialize(orders_0, 3, 10));
  CHECK(h.error(write(2, 0, 10, {})) == kafka_error::fenced_state_epoch);
  CHECK(h.error(initialize(orders_0, 2, 0)) == kafka_error::fenced_state_epoch);
  CHECK(h.error(initialize(orders_0, 4, 20)) == kafka_error::none);
  CHECK(h.error(write(3, 0, 10, {batch(10, 10, 2)}))
        == kafka_error::fenced_state_epoch);
  CHECK(h.state(orders_0) == share_partition_snapshot{4, 0, offset{20}, 0, {}});
}

TEST_CASE("who initializes a share partition once more takes nothing from it",
  "[cluster][share_state_registry]") {
  host h;
  h.ask(initialize(orders_0, 3, -1));
  h.ask(write(3, 0, 10, {batch(10, 14, 2)}));
  const auto before = h.state(orders_0);
  const auto written = h.log.size();
  // Its coordinator had no answer, and its epoch may be another one since.
  CHECK(h.error(initialize(orders_0, 3, -1)) == kafka_error::none);
  CHECK(h.error(initialize(orders_0, 7, -1)) == kafka_error::none);
  CHECK(h.log.size() == written);
  CHECK(h.state(orders_0) == before);
  CHECK(h.error(write(3, 0, 12, {})) == kafka_error::none);
}

TEST_CASE("a leader that was fenced stays so when a share partition begins "
          "again",
  "[cluster][share_state_registry]") {
  host h;
  h.ask(initialize(orders_0, 3, 10));
  h.ask({orders_0, question::read{5}});
  h.ask(initialize(orders_0, 4, 0));
  CHECK(
    h.error({orders_0, question::read{4}}) == kafka_error::fenced_leader_epoch);
}

TEST_CASE("batches that make no sense are refused and nothing is written",
  "[cluster][share_state_registry]") {
  host h;
  h.ask(initialize(orders_0, 3, 10));
  for (const auto& bad :
    {batch(20, 15, 0), batch(-1, 15, 0), batch(20, 25, 0, -1)})
    CHECK(h.error(write(3, 0, 10, {bad})) == kafka_error::invalid_request);
  CHECK(h.log.size() == 1);
}

TEST_CASE("a share partition that is deleted is gone after a restart, too",
  "[cluster][share_state_registry]") {
  host h;
  h.ask(initialize(orders_0, 3, 10));
  CHECK(h.error({orders_0, question::forget{}}) == kafka_error::none);
  CHECK(h.error({orders_0, question::read{0}}) == kafka_error::invalid_request);
  CHECK(h.registry.size() == 0);
  host again{{}, &h};
  CHECK(again.registry.size() == 0);
  // It may begin again, at any epoch.
  CHECK(again.error(initialize(orders_0, 0, 0)) == kafka_error::none);
}

TEST_CASE("the share partitions of topics that are gone are deleted",
  "[cluster][share_state_registry]") {
  host h;
  h.ask(initialize(orders_0, 3, 10));
  h.ask(initialize(orders_1, 3, 10));
  h.ask(initialize({"g", {3, 4}, 0}, 3, 10));
  h.take(h.registry.on_topics_gone({{1, 2}, {5, 6}}));
  CHECK(h.registry.size() == 1);
  CHECK(h.error({orders_0, question::read{0}}) == kafka_error::invalid_request);
}

TEST_CASE(
  "after so many updates comes a snapshot", "[cluster][share_state_registry]") {
  host h{{.updates_per_snapshot = 3}};
  h.ask(initialize(orders_0, 3, 0));
  for (int64_t at = 0; at < 4; ++at)
    h.ask(write(3, 0, 0, {batch(2 * at, 2 * at, 2)}));
  REQUIRE(h.log.size() == 5);
  const auto third = decode_share_state_record(h.log[3].key, *h.log[3].value);
  CHECK(third.value()->what == share_state_record::kind::snapshot);
  CHECK(third.value()->snapshot_epoch == 1);
  CHECK(third.value()->state.batches.size() == 3);
  const auto fourth = decode_share_state_record(h.log[4].key, *h.log[4].value);
  CHECK(fourth.value()->what == share_state_record::kind::update);
  CHECK(fourth.value()->snapshot_epoch == 1);
  CHECK(fourth.value()->state.batches.size() == 1);
}

TEST_CASE("an answer waits until what it tells of is durable",
  "[cluster][share_state_registry]") {
  host h;
  h.appends_at_once = false;
  const auto begun = h.ask(initialize(orders_0, 3, 10));
  const auto read = h.ask({orders_0, question::read{-1}});
  const auto other = h.ask({orders_1, question::summarize{}});
  CHECK(h.answers.contains(other)); // it is of another share partition
  CHECK_FALSE(h.answers.contains(begun));
  CHECK_FALSE(h.answers.contains(read));
  h.end_append(kafka_error::none);
  CHECK(h.answers.at(begun).error == kafka_error::none);
  CHECK(h.answers.at(read).state.start == offset{10});
}

TEST_CASE("what could not be written is told, and counts no more",
  "[cluster][share_state_registry]") {
  host h;
  h.ask(initialize(orders_0, 3, 10));
  h.appends_at_once = false;
  const auto lost = h.ask(write(3, 0, 12, {batch(12, 19, 2)}));
  h.end_append(kafka_error::not_enough_replicas);
  CHECK(h.answers.at(lost).error == kafka_error::coordinator_not_available);
  h.appends_at_once = true;
  CHECK(h.state(orders_0) == share_partition_snapshot{3, 0, offset{10}, 0, {}});
}

TEST_CASE("who has built on what could not be written is not told success",
  "[cluster][share_state_registry]") {
  host h;
  h.appends_at_once = false;
  const auto begun = h.ask(initialize(orders_0, 3, 10));
  const auto written = h.ask(write(3, 0, 12, {batch(12, 19, 2)}));
  const auto read = h.ask({orders_0, question::read{-1}});
  h.end_append(kafka_error::not_enough_replicas);
  h.end_append(kafka_error::none); // an update of no snapshot
  for (const auto token : {begun, written, read})
    CHECK(h.answers.at(token).error == kafka_error::coordinator_not_available);
  CHECK(h.registry.size() == 0);
  host again{{}, &h};
  CHECK(again.registry.find(orders_0) == nullptr);
}

TEST_CASE("records below the last snapshots are not needed",
  "[cluster][share_state_registry]") {
  host h{{.updates_per_snapshot = 4, .slack_records = 20}};
  h.ask(initialize(orders_0, 3, 0)); // offset 0
  h.ask(initialize(orders_1, 3, 0)); // offset 1
  for (int64_t at = 0; at < 40; ++at)
    h.ask(write(3, 0, at, {batch(at, at, 2)}));
  CHECK(h.registry.redundant_end() == offset{1}); // of the one that is idle
  h.take(h.registry.on_timer(2'000));
  CHECK(h.log.size() == 43); // it has got a new one
  // The last of orders_0 came with its write 40, behind the 2 that began.
  CHECK(h.registry.redundant_end() == offset{41});
  h.take(h.registry.on_timer(3'000));
  CHECK(h.log.size() == 43); // which is enough
  const auto before = h.state(orders_0);
  h.prune();
  CHECK(h.log.size() == 2);
  host again{{}, &h};
  CHECK(again.state(orders_0) == before);
  CHECK(again.registry.find(orders_1) != nullptr);
  CHECK(again.registry.redundant_end() == h.registry.redundant_end());
}

TEST_CASE("a restart at any point of a random history knows what was known",
  "[cluster][share_state_registry]") {
  std::mt19937 random{11};
  const auto below = [&](uint64_t end) {
    return static_cast<int64_t>(random() % end);
  };
  for (int round = 0; round < 20; ++round) {
    const share_state_config config{
      .updates_per_snapshot = 5, .slack_records = 10};
    host h{config};
    for (int step = 0; step < 120; ++step) {
      const share_partition_key key{
        "g", {1, 2}, static_cast<int32_t>(below(3))};
      const auto first = below(50);
      switch (below(8)) {
      case 0:
        h.ask(initialize(key, static_cast<int32_t>(below(4)), below(10)));
        break;
      case 1:
        h.ask({key, question::read{static_cast<int32_t>(below(4))}});
        break;
      case 2:
        if (below(4) == 0)
          h.ask({key, question::forget{}});
        h.take(h.registry.on_timer(step));
        h.prune();
        break;
      default:
        h.ask({key, question::write{static_cast<int32_t>(below(4)),
                      static_cast<int32_t>(below(4)), offset{below(30) - 1},
                      static_cast<int32_t>(below(5)),
                      {batch(first, first + below(9),
                        static_cast<int8_t>(2 * below(3)))}}});
      }
    }
    const host again{config, &h};
    REQUIRE(again.registry.size() == h.registry.size());
    for (int32_t partition = 0; partition < 3; ++partition) {
      const share_partition_key key{"g", {1, 2}, partition};
      const auto* known = h.registry.find(key);
      const auto* read = again.registry.find(key);
      REQUIRE((known == nullptr) == (read == nullptr));
      if (known != nullptr)
        CHECK(*read == *known);
    }
  }
}

} // namespace millrace
