// Plans that take a node's replicas away, or spread them evenly.
#include "cluster/partition_settling.hpp"
#include "cluster/replica_moves.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace millrace;

namespace {

using nodes = std::vector<node_id>;
constexpr int64_t megabyte = 1'000'000;

std::vector<usable_broker> brokers(int count, int racks = 0) {
  std::vector<usable_broker> all;
  for (int i = 0; i < count; ++i)
    all.push_back({node_id{i},
      racks == 0 ? std::nullopt
                 : std::optional{"r" + std::to_string(i % racks)}});
  return all;
}

std::vector<placed_partition> as_moved(
  std::vector<placed_partition> partitions, const move_plan& plan) {
  for (const auto& move : plan.moves)
    for (auto& p : partitions)
      if (p.name == move.name) {
        CHECK(p.replicas == move.from);
        p.replicas = move.to;
      }
  return partitions;
}

struct counts {
  std::map<node_id, int> held;
  std::map<node_id, int> led;
};

counts count(const std::vector<usable_broker>& nodes,
  const std::vector<placed_partition>& partitions) {
  counts all;
  for (const auto& node : nodes)
    all.held[node.id] = all.led[node.id] = 0;
  for (const auto& p : partitions) {
    ++all.led[p.replicas.front()];
    for (const auto id : p.replicas)
      ++all.held[id];
  }
  return all;
}

int spread(const std::map<node_id, int>& of) {
  const auto [low, high] = std::minmax_element(
    of.begin(), of.end(), [](const auto& a, const auto& b) {
      return a.second < b.second;
    });
  return high->second - low->second;
}

std::map<node_id, int64_t> bytes_of(const std::vector<usable_broker>& nodes,
  const std::vector<placed_partition>& partitions) {
  std::map<node_id, int64_t> bytes;
  for (const auto& node : nodes)
    bytes[node.id] = 0;
  for (const auto& p : partitions)
    for (const auto id : p.replicas)
      bytes[id] += p.bytes;
  return bytes;
}

double square_sum(const std::map<node_id, int64_t>& bytes) {
  double sum = 0;
  for (const auto& [id, n] : bytes)
    sum += static_cast<double>(n) * static_cast<double>(n);
  return sum;
}

std::set<std::optional<std::string>> racks_of(
  const std::vector<usable_broker>& nodes, const placed_partition& p) {
  std::set<std::optional<std::string>> racks;
  for (const auto& node : nodes)
    if (has_node(p.replicas, node.id))
      racks.insert(node.rack);
  return racks;
}

/// Partitions of all sizes, anywhere.
std::vector<placed_partition> random_partitions(
  std::mt19937_64& random, int node_count) {
  std::vector<placed_partition> all;
  const auto total = 1 + random() % 60;
  for (size_t i = 0; i < total; ++i) {
    nodes replicas;
    for (int n = 0; n < node_count; ++n)
      replicas.push_back({n});
    std::shuffle(replicas.begin(), replicas.end(), random);
    replicas.resize(1 + random() % std::min(node_count, 4));
    all.push_back({{"t", static_cast<int32_t>(i)}, replicas});
  }
  return all;
}

} // namespace

TEST_CASE("a drained node's replicas go to the nodes that hold least",
  "[cluster][replica_moves]") {
  const std::vector<placed_partition> before{{{"a", 0}, {{0}, {1}}},
    {{"a", 1}, {{1}, {2}}}, {{"a", 2}, {{2}, {0}}}, {{"a", 3}, {{1}, {2}}}};
  const auto plan = plan_drain(brokers(4), before, node_id{0});
  CHECK(plan.stuck.empty());
  REQUIRE(plan.moves.size() == 2);
  // Node 3 has nothing yet; what node 0 led is led by who leads least.
  CHECK(plan.moves[0].to == nodes{{3}, {1}});
  CHECK(plan.moves[1].to == nodes{{2}, {3}});
  CHECK(plan.moves[1].copies_data());
}

TEST_CASE("a node that the others cannot stand in for stops leading",
  "[cluster][replica_moves]") {
  const std::vector<placed_partition> before{{{"a", 0}, {{0}, {1}, {2}}},
    {{"a", 1}, {{1}, {0}, {2}}}, {{"b", 0}, {{0}}}};
  const auto plan = plan_drain(brokers(3), before, node_id{0});
  CHECK(plan.stuck == std::vector<topic_partition>{{"a", 0}, {"a", 1}});
  const auto after = as_moved(before, plan);
  CHECK(after[0].replicas == nodes{{2}, {1}, {0}});
  CHECK(after[1].replicas == nodes{{1}, {2}, {0}});
  CHECK_FALSE(has_node(after[2].replicas, node_id{0}));
  CHECK_FALSE(plan.moves[0].copies_data());
}

TEST_CASE("what a node leads is led by others, and its data stays",
  "[cluster][replica_moves]") {
  const std::vector<placed_partition> before{{{"a", 0}, {{0}, {1}, {2}}},
    {{"a", 1}, {{0}, {1}, {2}}}, {{"a", 2}, {{1}, {0}}}, {{"b", 0}, {{0}}}};
  const auto plan = plan_handover(brokers(3), before, node_id{0});
  CHECK(plan.stuck == std::vector<topic_partition>{{"b", 0}});
  const auto after = as_moved(before, plan);
  CHECK(after[0].replicas == nodes{{2}, {1}, {0}});
  CHECK(after[1].replicas == nodes{{1}, {2}, {0}});
  CHECK(after[2].replicas == before[2].replicas);
  for (const auto& move : plan.moves)
    CHECK_FALSE(move.copies_data());
}

TEST_CASE("who takes a drained node's place is on a rack of its own",
  "[cluster][replica_moves]") {
  // r0: 0 2 4, r1: 1 3 5; node 5 holds more than 2 and 4.
  const std::vector<placed_partition> before{
    {{"a", 0}, {{0}, {1}}}, {{"b", 0}, {{5}}}, {{"b", 1}, {{5}}}};
  const auto plan = plan_drain(brokers(6, 2), before, node_id{1});
  REQUIRE(plan.moves.size() == 1);
  CHECK(plan.moves[0].to == nodes{{0}, {3}});
}

TEST_CASE("a new node gets its share, and no more is moved than that takes",
  "[cluster][replica_moves]") {
  std::vector<placed_partition> before;
  for (int i = 0; i < 12; ++i)
    before.push_back(
      {{"t", i}, {node_id{i % 3}, node_id{(i + 1) % 3}, node_id{(i + 2) % 3}}});
  const auto plan = plan_balance(brokers(4), before);
  const auto all = brokers(4);
  const auto after = count(all, as_moved(before, plan));
  CHECK(spread(after.held) == 0);
  CHECK(spread(after.led) <= 1);
  CHECK(std::count_if(plan.moves.begin(), plan.moves.end(), [](const auto& m) {
    return m.copies_data();
  }) == 9);
  CHECK(plan_balance(all, as_moved(before, plan)).moves.empty());
}

TEST_CASE("plans of random clusters are plans: 2000 of them",
  "[cluster][replica_moves]") {
  std::mt19937_64 random{20};
  for (int round = 0; round < 2000; ++round) {
    const auto node_count = 2 + static_cast<int>(random() % 6);
    const auto all = brokers(node_count, static_cast<int>(random() % 4));
    const auto before = random_partitions(random, node_count);
    const node_id gone{static_cast<int32_t>(random() % node_count)};
    const auto drain = plan_drain(all, before, gone);
    const auto drained = as_moved(before, drain);
    const auto balance = plan_balance(all, before);
    const auto balanced = as_moved(before, balance);
    for (size_t i = 0; i < before.size(); ++i) {
      for (const auto* after : {&drained[i], &balanced[i]}) {
        // As many as before, no one twice, and all of them nodes.
        REQUIRE(after->replicas.size() == before[i].replicas.size());
        REQUIRE(std::set(after->replicas.begin(), after->replicas.end()).size()
                == after->replicas.size());
      }
      REQUIRE(
        racks_of(all, balanced[i]).size() >= racks_of(all, before[i]).size());
      const bool stuck
        = std::count(drain.stuck.begin(), drain.stuck.end(), before[i].name)
          > 0;
      REQUIRE(has_node(drained[i].replicas, gone) == stuck);
      REQUIRE(stuck
              == (before[i].replicas.size() == static_cast<size_t>(node_count)
                  && has_node(before[i].replicas, gone)));
      REQUIRE((drained[i].replicas.front() != gone || node_count == 1
               || drained[i].replicas.size() == 1));
    }
    if (std::all_of(all.begin(), all.end(), [](const auto& n) {
          return !n.rack;
        }))
      REQUIRE(spread(count(all, balanced).held) <= 1);
    REQUIRE(plan_balance(all, balanced).moves.empty());
  }
}

TEST_CASE("a few moves at a time come to the same balance",
  "[cluster][replica_moves]") {
  std::mt19937_64 random{21};
  for (int round = 0; round < 500; ++round) {
    const auto node_count = 2 + static_cast<int>(random() % 6);
    const auto all = brokers(node_count, static_cast<int>(random() % 4));
    auto now = random_partitions(random, node_count);
    const auto at_once = plan_balance(all, now);
    const auto expected = count(all, as_moved(now, at_once));
    const size_t most = 1 + random() % 5;
    int steps = 0;
    for (auto some = plan_balance(all, now, most); !some.moves.empty();
      some = plan_balance(all, now, most)) {
      REQUIRE(some.moves.size() <= most);
      REQUIRE(++steps < 1000);
      now = as_moved(now, some);
    }
    REQUIRE(spread(count(all, now).held) <= spread(expected.held) + 1);
    REQUIRE(plan_balance(all, now).moves.empty());
  }
}

TEST_CASE("nodes with as many replicas come to as many bytes",
  "[cluster][replica_moves]") {
  // What is big is on nodes 0 and 1.
  std::vector<placed_partition> before;
  for (int32_t i = 0; i < 10; ++i)
    before.push_back(
      {{"t", i}, {node_id{i % 2}}, i < 4 ? 1000 * megabyte : 10 * megabyte});
  for (int32_t i = 10; i < 20; ++i)
    before.push_back({{"t", i}, {node_id{2 + i % 2}}, 10 * megabyte});
  const auto plan = plan_balance(brokers(4), before);
  const auto after = as_moved(before, plan);
  for (const auto& [id, bytes] : bytes_of(brokers(4), after))
    CHECK(bytes == 1040 * megabyte);
  CHECK(spread(count(brokers(4), after).held) == 0);
  CHECK(plan.moves.size() == 4); // two big ones there, two small ones back
}

TEST_CASE("bytes are levelled without harm to anything else",
  "[cluster][replica_moves]") {
  std::mt19937_64 random{22};
  for (int round = 0; round < 1000; ++round) {
    CAPTURE(round);
    const auto node_count = 2 + static_cast<int>(random() % 6);
    const auto all = brokers(node_count, static_cast<int>(random() % 4));
    const auto plain = random_partitions(random, node_count);
    auto sized = plain;
    for (auto& p : sized)
      p.bytes = static_cast<int64_t>(random() % 1'000'000) * megabyte;
    // Where the counts leave nothing to do, only sizes do.
    const auto counted = as_moved(sized, plan_balance(all, plain));
    const auto plan = plan_balance(all, counted);
    const auto after = as_moved(counted, plan);
    REQUIRE(count(all, after).held == count(all, counted).held);
    REQUIRE(
      square_sum(bytes_of(all, after)) <= square_sum(bytes_of(all, counted)));
    for (size_t i = 0; i < after.size(); ++i)
      REQUIRE(
        racks_of(all, after[i]).size() >= racks_of(all, counted[i]).size());
    REQUIRE(plan_balance(all, after).moves.empty());
  }
}

TEST_CASE("a big cluster is planned in no time", "[cluster][replica_moves]") {
  // 50,000 partitions on 20 nodes, and a node more: it gets a 21st.
  std::vector<placed_partition> before;
  for (int32_t i = 0; i < 50'000; ++i)
    before.push_back({{"t", i},
      {node_id{i % 20}, node_id{(i + 1) % 20}, node_id{(i + 2) % 20}}});
  const auto plan = plan_balance(brokers(21), before);
  CHECK(plan.moves.size() >= 150'000 / 21);
  for (const auto& move : plan.moves)
    before[static_cast<size_t>(move.name.partition)].replicas = move.to;
  CHECK(spread(count(brokers(21), before).held) <= 1);
  CHECK(spread(count(brokers(21), before).led) <= 1);
}
