// Three nodes with six partitions of two replicas each; a fourth comes.

#include "cluster/auto_rebalance.hpp"
#include "tests/cluster/metadata_fixture.hpp"

using namespace millrace;

namespace {

constexpr int64_t delay = 1000;

struct balanced_cluster : test::controller {
  balanced_cluster() : controller(3) {
    kafka::create_topics_request request;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.num_partitions = topic.replication_factor = -1;
    for (int32_t i = 0; i < 6; ++i)
      topic.assignments.push_back({i, {i % 3, (i + 1) % 3}});
    REQUIRE(run(state.decide(request)).topics.front().error_code == 0);
  }

  /// Does what is said, as the controller does it.
  auto_rebalance::step look(auto_rebalance& balance, int64_t now) {
    auto step = balance.look(image(), now);
    reassign(step.start, false);
    reassign(step.cancel, true);
    return step;
  }
  void reassign(const std::vector<replica_move>& moves, bool back) {
    kafka::alter_partition_reassignments_request request;
    for (const auto& move : moves) {
      auto& topic = request.topics.emplace_back();
      topic.name = move.name.topic;
      auto& p = topic.partitions.emplace_back();
      p.partition_index = move.name.partition;
      p.replicas.reset();
      if (back)
        continue;
      p.replicas.emplace();
      for (const auto id : move.to)
        p.replicas->push_back(id.value);
    }
    run(state.decide(request));
  }
  const partition_registration& at(int32_t index) {
    return *image().find_partition(image().find_topic("t")->id, index);
  }
  /// The new replicas get in sync.
  void arrive(const std::vector<replica_move>& moves) {
    for (const auto& move : moves) {
      const auto& p = at(move.name.partition);
      if (p.adding.empty())
        continue;
      change_isr change{.leader = p.leader,
        .broker_epoch = image().find_broker(p.leader)->broker_epoch,
        .topic = image().find_topic("t")->id,
        .partition = p.index,
        .epoch = p.epoch,
        .partition_epoch = p.partition_epoch,
        .isr = {}};
      for (const auto id : p.replicas)
        change.isr.push_back({id, image().find_broker(id)->broker_epoch});
      CHECK(run(state.decide(change)).error == kafka_error::none);
    }
  }
  std::map<int32_t, int> held() {
    std::map<int32_t, int> counts;
    for (int32_t i = 0; i < 6; ++i)
      for (const auto id : at(i).replicas)
        ++counts[id.value];
    return counts;
  }
};

auto_rebalance make(rebalance_mode mode, size_t at_once = 20) {
  return auto_rebalance{{mode, delay, at_once}};
}

} // namespace

TEST_CASE("nothing is done in a cluster that is balanced",
  "[cluster][auto_rebalance]") {
  balanced_cluster c;
  auto balance = make(rebalance_mode::apply);
  for (int64_t now = 0; now < 10 * delay; now += delay / 4)
    CHECK(c.look(balance, now).nothing());
}

TEST_CASE(
  "a plan is told once, when the nodes have stayed the same for a while",
  "[cluster][auto_rebalance]") {
  balanced_cluster c;
  auto balance = make(rebalance_mode::plan);
  CHECK(c.look(balance, 0).nothing());
  c.start(3, 1);
  CHECK(c.look(balance, 500).nothing());
  CHECK(c.look(balance, 1400).nothing()); // of the new four not long enough
  const auto step = c.look(balance, 1500);
  CHECK(step.planned >= 3);
  CHECK(step.start.empty());
  CHECK(c.look(balance, 100'000).nothing());
}

TEST_CASE("switched off it says nothing", "[cluster][auto_rebalance]") {
  balanced_cluster c;
  auto balance = make(rebalance_mode::off);
  c.look(balance, 0);
  c.start(3, 1);
  c.look(balance, 1);
  CHECK(c.look(balance, 100'000).nothing());
}

TEST_CASE("a new node gets its share, a few partitions at a time",
  "[cluster][auto_rebalance]") {
  balanced_cluster c;
  auto balance = make(rebalance_mode::apply, 1);
  c.look(balance, 0);
  c.start(3, 1);
  int64_t now = 1;
  CHECK(c.look(balance, now).nothing());
  now += delay;
  int begun = 0;
  for (auto step = c.look(balance, now); !step.nothing();
    step = c.look(balance, ++now)) {
    REQUIRE(step.start.size() <= 1);
    // The next one waits for it.
    if (!step.start.empty() && step.start.front().copies_data()) {
      CHECK(c.look(balance, ++now).nothing());
      c.arrive(step.start);
    }
    REQUIRE(++begun < 20);
  }
  CHECK(c.held() == std::map<int32_t, int>{{0, 3}, {1, 3}, {2, 3}, {3, 3}});
}

TEST_CASE("who is first is to lead when the move is done",
  "[cluster][auto_rebalance]") {
  balanced_cluster c;
  auto balance = make(rebalance_mode::apply);
  c.look(balance, 0);
  c.start(3, 1);
  c.look(balance, 1);
  const auto started = c.look(balance, 1 + delay).start;
  REQUIRE_FALSE(started.empty());
  c.arrive(started);
  const auto elected = c.look(balance, 2 + delay).elect;
  for (const auto& name : elected)
    CHECK(c.at(name.partition).leader != c.at(name.partition).replicas.front());
  for (const auto& move : started)
    CHECK((c.at(move.name.partition).leader == move.to.front()
           || std::count(elected.begin(), elected.end(), move.name) == 1));
}

TEST_CASE("moves to a node that is gone are taken back, and nothing is begun "
          "until the nodes stay the same",
  "[cluster][auto_rebalance]") {
  balanced_cluster c;
  auto balance = make(rebalance_mode::apply);
  c.look(balance, 0);
  c.start(3, 1);
  c.look(balance, 1);
  const auto started = c.look(balance, 1 + delay).start;
  REQUIRE_FALSE(started.empty());
  c.fence({node_id{3}});
  const auto step = c.look(balance, 2 + delay);
  CHECK_FALSE(step.cancel.empty());
  CHECK(step.start.empty());
  CHECK(c.held() == std::map<int32_t, int>{{0, 4}, {1, 4}, {2, 4}});
  CHECK(c.look(balance, 3 + delay).nothing());
  // It comes back, and gets its share after all.
  c.start(3, 2);
  CHECK(c.look(balance, 4 + delay).nothing());
  CHECK_FALSE(c.look(balance, 4 + 2 * delay).start.empty());
}

TEST_CASE(
  "what an operator stops is not begun again", "[cluster][auto_rebalance]") {
  balanced_cluster c;
  auto balance = make(rebalance_mode::apply);
  c.look(balance, 0);
  c.start(3, 1);
  c.look(balance, 1);
  const auto started = c.look(balance, 1 + delay).start;
  REQUIRE_FALSE(started.empty());
  c.reassign(started, true);
  CHECK(c.look(balance, 2 + delay).start.empty());
  CHECK(c.look(balance, 100'000).start.empty());
}

TEST_CASE("what an operator moves is waited for", "[cluster][auto_rebalance]") {
  balanced_cluster c;
  auto balance = make(rebalance_mode::apply);
  c.look(balance, 0);
  c.start(3, 1);
  c.look(balance, 1);
  const std::vector<replica_move> own{
    {{"t", 0}, c.at(0).replicas, {node_id{3}, node_id{1}}}};
  c.reassign(own, false);
  CHECK(c.look(balance, 10 * delay).nothing());
  c.arrive(own);
  CHECK_FALSE(c.look(balance, 11 * delay).start.empty());
}
