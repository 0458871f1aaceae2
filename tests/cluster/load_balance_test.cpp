// What takes load from a hot node.

#include "cluster/load_balance.hpp"
#include "cluster/partition_settling.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace millrace;

namespace {

constexpr int64_t mb = 1'000'000;

std::vector<node_id> ids(std::initializer_list<int32_t> values) {
  std::vector<node_id> all;
  for (const auto value : values)
    all.push_back({value});
  return all;
}

/// Nodes and partitions, each led by its first replica; all are in sync.
struct loaded_cluster {
  std::vector<usable_broker> nodes;
  std::vector<loaded_partition> partitions;

  explicit loaded_cluster(int32_t count) {
    for (int32_t id = 1; id <= count; ++id)
      nodes.push_back({{id}, std::nullopt});
  }
  loaded_partition& add(
    const std::string& topic, std::vector<node_id> replicas, int64_t load) {
    auto& p = partitions.emplace_back();
    p.placed = {{topic, 0}, replicas};
    p.leader = replicas.front();
    p.ready = replicas;
    p.load = load * mb;
    p.heavy = load > 0;
    return p;
  }

  [[nodiscard]] std::map<node_id, int64_t> loads() const {
    std::map<node_id, int64_t> all;
    for (const auto& node : nodes)
      all[node.id] = 0;
    for (const auto& p : partitions)
      all[p.leader] += p.load;
    return all;
  }
  [[nodiscard]] cooling cool(int32_t hot) const {
    const auto plans = plan_cooling(nodes, loads(), partitions, {{hot}});
    REQUIRE(plans.size() == 1);
    CHECK(plans.front().node == node_id{hot});
    CHECK(plans.front().load == loads().at({hot}));
    return plans.front();
  }
  /// As it is when all of it is done.
  void follow(const cooling& plan) {
    for (auto& p : partitions) {
      for (const auto& move : plan.moves)
        if (move.name == p.placed.name) {
          CHECK(p.placed.replicas == move.from);
          p.placed.replicas = p.ready = move.to;
          p.leader = move.to.front();
        }
      if (std::count(plan.elect.begin(), plan.elect.end(), p.placed.name) != 0)
        p.leader = p.placed.replicas.front();
    }
  }
  [[nodiscard]] size_t uneven() const {
    std::vector<placed_partition> all;
    for (const auto& p : partitions)
      all.push_back(p.placed);
    return plan_balance(nodes, all).moves.size();
  }
};

bool copies_data(const cooling& plan) {
  return std::any_of(
    plan.moves.begin(), plan.moves.end(), [](const replica_move& move) {
      return move.copies_data();
    });
}

} // namespace

TEST_CASE("another in-sync replica leads a heavy partition, and a light one "
          "goes the other way",
  "[cluster][load_balance]") {
  loaded_cluster c{3};
  c.add("a", ids({1, 2, 3}), 20);
  c.add("b", ids({1, 3, 2}), 20);
  c.add("c", ids({2, 1, 3}), 1);
  c.add("d", ids({2, 3, 1}), 0);
  c.add("e", ids({3, 1, 2}), 1);
  c.add("f", ids({3, 2, 1}), 0);
  const auto plan = c.cool(1);
  CHECK(plan.found == cooling::outcome::helps);
  CHECK_FALSE(copies_data(plan));
  // One heavy one goes, and one that nobody uses comes.
  CHECK(plan.moves.size() == 2);
  c.follow(plan);
  CHECK(c.loads()
        == std::map<node_id, int64_t>{
          {{1}, 20 * mb}, {{2}, 21 * mb}, {{3}, 1 * mb}});
  CHECK(c.uneven() == 0);
}

TEST_CASE("where the hot node leads more than its share nothing comes back",
  "[cluster][load_balance]") {
  loaded_cluster c{2};
  c.add("a", ids({1, 2}), 20);
  c.add("b", ids({1, 2}), 20);
  c.add("c", ids({2, 1}), 1);
  const auto plan = c.cool(1);
  REQUIRE(plan.moves.size() == 1);
  CHECK(plan.moves.front().to == ids({2, 1}));
  c.follow(plan);
  CHECK(c.uneven() == 0);
}

TEST_CASE("groups are not moved in return if there is something else",
  "[cluster][load_balance]") {
  loaded_cluster c{2};
  c.add("a", ids({1, 2}), 20);
  c.add("b", ids({1, 2}), 20);
  c.add("__consumer_offsets", ids({2, 1}), 0);
  c.add("z", ids({2, 1}), 1);
  const auto plan = c.cool(1);
  CHECK(plan.moves.size() == 2);
  CHECK(plan.moves.back().name.topic == "z");
}

TEST_CASE(
  "one that is not in sync is not chosen to lead", "[cluster][load_balance]") {
  loaded_cluster c{3};
  for (const auto* name : {"a", "b"})
    c.add(name, ids({1, 2, 3}), 20).ready = ids({1, 3});
  for (const int32_t other : {2, 3})
    for (const auto* name : {"c", "d"})
      c.add(name + std::to_string(other), ids({other, 1}), 0);
  const auto plan = c.cool(1);
  CHECK(plan.moves.size() == 2);
  for (const auto& move : plan.moves)
    CHECK((move.to.front() == node_id{3} || move.from.front() == node_id{3}));
}

TEST_CASE("who is to lead it anyhow does so first", "[cluster][load_balance]") {
  loaded_cluster c{2};
  c.add("a", ids({1, 2}), 20);
  // It was away for a while.
  c.add("b", ids({2, 1}), 20).leader = {1};
  const auto plan = c.cool(1);
  CHECK(plan.moves.empty());
  CHECK(plan.elect == std::vector<topic_partition>{{"b", 0}});
  c.follow(plan);
  CHECK(c.loads().at({1}) == 20 * mb);
}

TEST_CASE("what a node leads for another one may go to a third",
  "[cluster][load_balance]") {
  loaded_cluster c{3};
  for (const auto* name : {"a", "b"})
    c.add(name, ids({1, 2, 3}), 20).leader = {2};
  c.add("c", ids({1, 2, 3}), 20);
  for (const auto* name : {"d", "e", "f"}) {
    c.add(name + std::to_string(2), ids({2, 1, 3}), 0);
    c.add(name + std::to_string(3), ids({3, 1, 2}), 0);
  }
  const auto plan = c.cool(2);
  CHECK(plan.elect.empty());
  CHECK(plan.moves.size() == 2);
  c.follow(plan);
  for (const auto& [id, load] : c.loads())
    CHECK(load == 20 * mb);
  CHECK(c.uneven() == 0);
}

TEST_CASE("where no other node has it, a heavy partition is copied, and a "
          "light one takes its place",
  "[cluster][load_balance]") {
  loaded_cluster c{2};
  c.add("a", ids({1}), 20);
  c.add("b", ids({1}), 19);
  c.add("c", ids({2}), 1);
  c.add("d", ids({2}), 0);
  const auto plan = c.cool(1);
  CHECK(plan.moves.size() == 2);
  CHECK(copies_data(plan));
  c.follow(plan);
  CHECK(
    c.loads() == std::map<node_id, int64_t>{{{1}, 20 * mb}, {{2}, 20 * mb}});
  CHECK(c.uneven() == 0);
}

TEST_CASE(
  "nothing is copied if leaders can change places", "[cluster][load_balance]") {
  loaded_cluster c{3};
  c.add("a", ids({1, 2}), 10);
  c.add("b", ids({1, 2}), 10);
  c.add("c", ids({1, 2}), 10);
  c.add("d", ids({2, 1}), 12);
  // Here there is most room, but it has nothing of what is heavy.
  c.add("e", ids({3, 2}), 0);
  c.add("f", ids({3, 2}), 0);
  const auto plan = c.cool(1);
  CHECK(plan.found == cooling::outcome::helps);
  CHECK_FALSE(copies_data(plan));
}

TEST_CASE("no partition gets on fewer racks", "[cluster][load_balance]") {
  loaded_cluster c{4};
  for (size_t i = 0; i < 4; ++i)
    c.nodes[i].rack = i % 2 == 0 ? "r" : "s";
  // Of 1 and 3 one has to have it, and of 2 and 4.
  c.add("a", ids({1, 2}), 20).ready = ids({1});
  c.add("b", ids({1, 2}), 20).ready = ids({1});
  for (const int32_t other : {2, 3, 4})
    for (const auto* name : {"c", "d"})
      c.add(name + std::to_string(other), ids({other, other % 4 + 1}), 0);
  const auto plan = c.cool(1);
  REQUIRE(plan.found == cooling::outcome::helps);
  for (const auto& move : plan.moves)
    CHECK((move.to.front().value + move.to.back().value) % 2 == 1);
}

TEST_CASE("a partition that makes the heat alone is left where it is",
  "[cluster][load_balance]") {
  loaded_cluster c{3};
  c.add("a", ids({1, 2, 3}), 90);
  c.add("b", ids({2, 1, 3}), 1);
  c.add("c", ids({3, 1, 2}), 1);
  const auto plan = c.cool(1);
  CHECK(plan.found == cooling::outcome::one_partition);
  CHECK(plan.moves.empty());
  CHECK(plan.elect.empty());
  CHECK(plan.heaviest == topic_partition{"a", 0});
  CHECK(plan.heaviest_load == 90 * mb);
}

TEST_CASE("what it carries besides a partition that cannot be split goes",
  "[cluster][load_balance]") {
  loaded_cluster c{3};
  c.add("a", ids({1, 2, 3}), 60);
  c.add("b", ids({1, 2, 3}), 10);
  c.add("c", ids({2, 1, 3}), 1);
  c.add("d", ids({2, 1, 3}), 0);
  c.add("e", ids({3, 1, 2}), 1);
  c.add("f", ids({3, 1, 2}), 0);
  c.follow(c.cool(1));
  CHECK(c.loads().at({1}) == 60 * mb);
  CHECK(c.cool(1).found == cooling::outcome::one_partition);
}

TEST_CASE(
  "two hot nodes do not choose the same place", "[cluster][load_balance]") {
  loaded_cluster c{6};
  for (const int32_t hot : {1, 2})
    for (const auto* name : {"a", "b", "c"})
      c.add(name + std::to_string(hot), ids({hot, 3, 4}), 20);
  for (const int32_t other : {3, 4, 5, 6})
    for (const auto* name : {"d", "e", "f"})
      c.add(name + std::to_string(other), ids({other, 1, 2}), 0);
  const auto plans = plan_cooling(c.nodes, c.loads(), c.partitions, {{1}, {2}});
  REQUIRE(plans.size() == 2);
  for (const auto& plan : plans)
    c.follow(plan);
  // 60 are 20 or 40 now, wherever they are.
  for (const auto& [id, load] : c.loads())
    CHECK(load <= 40 * mb);
}

TEST_CASE("few replicas are copied in one round", "[cluster][load_balance]") {
  loaded_cluster c{8};
  for (int i = 0; i < 16; ++i)
    c.add("a" + std::to_string(i), ids({1}), 10);
  for (int32_t other = 2; other <= 8; ++other)
    for (int i = 0; i < 16; ++i)
      c.add("b" + std::to_string(other) + std::to_string(i), ids({other}), 0);
  CHECK(c.cool(1).moves.size() == 8); // four there, four back
}

TEST_CASE("what is done is said in a sentence", "[cluster][load_balance]") {
  loaded_cluster c{2};
  c.add("a", ids({1, 2}), 20);
  c.add("b", ids({1, 2}), 20);
  c.add("c", ids({2, 1}), 0);
  c.add("d", ids({2, 1}), 0);
  const auto plan = c.cool(1);
  CHECK(to_sentence(plan, true)
        == "node 1 is hot: clients write and read 40.0 MB/s there, 20.0 MB/s "
           "on average of all nodes; from now on a-0 is led by node 2, c-0 is "
           "led by node 1");
  CHECK(to_sentence(plan, false)
        == "node 1 is hot: clients write and read 40.0 MB/s there, 20.0 MB/s "
           "on average of all nodes; with auto.rebalance=apply: a-0 is led by "
           "node 2, c-0 is led by node 1");
}
