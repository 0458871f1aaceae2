#include "cluster/marker_queue.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr auto fine = kafka_error::none;
constexpr auto elsewhere = kafka_error::not_leader_or_follower;

/// Three partitions: the first two led by node 1, the third by node 2.
struct fixture {
  marker_queue queue{{.retry_ms = 100, .answer_ms = 5'000, .writes_max = 2}};
  std::map<topic_partition, marker_target> targets{
    {{"t", 0}, {{1}, leader_epoch{4}}}, {{"t", 1}, {{1}, leader_epoch{4}}},
    {{"t", 2}, {{2}, leader_epoch{8}}}};

  marker_queue::target_finder find
    = [this](const topic_partition& p) -> std::optional<marker_target> {
    const auto at = targets.find(p);
    return at == targets.end() ? std::nullopt : std::optional{at->second};
  };

  std::vector<marker_queue::request> due(int64_t now_ms) {
    return queue.take_due(find, now_ms);
  }
  void review(int64_t now_ms) {
    queue.review(find, now_ms);
  }
  void add(std::set<topic_partition> partitions, int16_t epoch = 1,
    int32_t coordinator = 7) {
    queue.add(coordinator, 30,
      {.transactional_id = "x",
        .id = {500},
        .epoch = epoch,
        .commit = true,
        .client_version = 2,
        .partitions = std::move(partitions)});
  }
  void answer(uint64_t id, std::vector<kafka_error> errors, int64_t now_ms) {
    queue.on_answer(id, errors, now_ms);
  }
};

using partitions = std::vector<topic_partition>;

} // namespace

TEST_CASE("markers go to those that lead, each told once when written",
  "[cluster][marker_queue]") {
  fixture f;
  f.add({{"t", 0}, {"t", 1}, {"t", 2}});
  const auto sent = f.due(0);
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].id < sent[1].id);
  const auto& first = sent[0];
  CHECK(first.to == node_id{1});
  REQUIRE(first.writes.size() == 2);
  CHECK(first.writes[0]
        == marker_write{{500}, 1, true, 2, 30, {"t", 0}, leader_epoch{4}});
  CHECK(sent[1].to == node_id{2});
  CHECK(f.due(0).empty()); // under way once at a time
  f.answer(first.id, {fine, fine}, 1);
  auto written = f.queue.take_written();
  REQUIRE(written.size() == 1);
  CHECK(written[0].coordinator == 7);
  CHECK(written[0].transactional_id == "x");
  CHECK(written[0].id == producer_id{500});
  CHECK(written[0].epoch == 1);
  CHECK(written[0].partitions == partitions{{"t", 0}, {"t", 1}});
  CHECK(f.queue.take_written().empty());
  f.answer(sent[1].id, {fine}, 1);
  CHECK(f.queue.take_written().size() == 1);
  CHECK(f.queue.size() == 0);
  CHECK_FALSE(f.queue.next_deadline());
}

TEST_CASE("a refused marker is sent again, to who leads by then",
  "[cluster][marker_queue]") {
  fixture f;
  f.add({{"t", 0}});
  const auto first = f.due(0);
  f.targets[{"t", 0}] = {{2}, leader_epoch{5}};
  f.answer(first[0].id, {elsewhere}, 10);
  CHECK(f.due(50).empty());
  CHECK(f.queue.next_deadline() == 110);
  const auto second = f.due(110);
  REQUIRE(second.size() == 1);
  CHECK(second[0].to == node_id{2});
  CHECK(second[0].writes[0].leadership == leader_epoch{5});
  CHECK(second[0].id > first[0].id);
}

TEST_CASE(
  "only the answer to the last request counts", "[cluster][marker_queue]") {
  fixture f;
  f.add({{"t", 0}});
  const auto first = f.due(0);
  const auto second = f.due(5'000);
  REQUIRE(second.size() == 1);
  // Were it taken, the second would still be on its way, and could end what
  // comes after this transaction.
  f.answer(first[0].id, {fine}, 5'001);
  CHECK(f.queue.take_written().empty());
  f.answer(second[0].id, {fine}, 5'002);
  CHECK(f.queue.take_written().size() == 1);
}

TEST_CASE("what was under way to a node that is lost is sent again",
  "[cluster][marker_queue]") {
  fixture f;
  f.add({{"t", 0}, {"t", 2}});
  const auto sent = f.due(0);
  f.queue.on_lost({2}, 10);
  f.answer(sent[1].id, {fine}, 20);
  CHECK(f.queue.take_written().empty());
  const auto again = f.due(110);
  REQUIRE(again.size() == 1);
  CHECK(again[0].writes[0].partition == topic_partition{"t", 2});
}

TEST_CASE("what another one leads by now is sent there at once",
  "[cluster][marker_queue]") {
  fixture f;
  f.add({{"t", 0}, {"t", 1}});
  const auto sent = f.due(0);
  REQUIRE(sent.size() == 1);
  f.targets[{"t", 0}] = {{2}, leader_epoch{5}};
  f.review(10);
  const auto again = f.due(10);
  REQUIRE(again.size() == 1);
  CHECK(again[0].to == node_id{2});
  CHECK(again[0].writes[0].partition == topic_partition{"t", 0});
  // The answer to the first counts for the other one only.
  f.answer(sent[0].id, {fine, fine}, 20);
  const auto written = f.queue.take_written();
  REQUIRE(written.size() == 1);
  CHECK(written[0].partitions == partitions{{"t", 1}});
  CHECK(f.queue.size() == 1);
  // Another leadership of the same node is another one, too.
  f.targets[{"t", 0}] = {{2}, leader_epoch{6}};
  f.review(30);
  CHECK(f.due(30).size() == 1);
}

TEST_CASE("a partition without a leader is waited for, one that is gone is not",
  "[cluster][marker_queue]") {
  fixture f;
  f.targets[{"t", 0}].leader = no_node;
  f.add({{"t", 0}, {"gone", 3}});
  CHECK(f.due(0).empty());
  const auto written = f.queue.take_written();
  REQUIRE(written.size() == 1);
  CHECK(written[0].partitions == partitions{{"gone", 3}});
  f.targets[{"t", 0}].leader = {1};
  CHECK(f.due(100).size() == 1);
}

TEST_CASE("a marker that came late is there", "[cluster][marker_queue]") {
  fixture f;
  f.add({{"t", 0}});
  f.answer(f.due(0)[0].id, {kafka_error::invalid_producer_epoch}, 1);
  CHECK(f.queue.take_written().size() == 1);
}

TEST_CASE("who is fenced writes no more", "[cluster][marker_queue]") {
  fixture f;
  f.add({{"t", 0}});
  f.answer(f.due(0)[0].id, {kafka_error::transaction_coordinator_fenced}, 1);
  CHECK(f.queue.take_written().empty());
  CHECK(f.queue.size() == 0);
}

TEST_CASE("the markers of a coordinator that is gone are forgotten",
  "[cluster][marker_queue]") {
  fixture f;
  f.add({{"t", 0}}, 1, 7);
  f.add({{"t", 1}}, 1, 8);
  const auto sent = f.due(0);
  f.queue.drop(7);
  CHECK(f.queue.size() == 1);
  f.answer(sent[0].id, {fine, fine}, 1);
  const auto written = f.queue.take_written();
  REQUIRE(written.size() == 1);
  CHECK(written[0].coordinator == 8);
}

TEST_CASE(
  "one request has no more than so many markers", "[cluster][marker_queue]") {
  fixture f;
  for (int32_t i = 10; i < 15; ++i)
    f.targets[{"t", i}] = {{1}, leader_epoch{1}};
  f.add({{"t", 10}, {"t", 11}, {"t", 12}, {"t", 13}, {"t", 14}});
  const auto sent = f.due(0);
  REQUIRE(sent.size() == 3);
  for (size_t i = 1; i < sent.size(); ++i)
    CHECK(sent[i - 1].id < sent[i].id);
  CHECK(sent[2].writes.size() == 1);
}
