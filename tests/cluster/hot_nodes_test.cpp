// Who has had far more to do than the others, and for how long.

#include "cluster/hot_nodes.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr int64_t delay = 60'000;
constexpr int64_t mb = 1'000'000;
const std::set<node_id> three{{1}, {2}, {3}};

/// Every ten seconds all say what they carry, MB a second.
struct told {
  hot_nodes nodes{delay};
  int64_t now = 0;

  std::vector<node_id> tell(std::vector<int64_t> loads) {
    now += 10'000;
    for (size_t i = 0; i < loads.size(); ++i)
      nodes.note(
        {static_cast<int32_t>(i) + 1}, {{loads[i] * mb, 0}, 10'000, {}}, now);
    return nodes.look(three, now);
  }
  /// What is said of it for so long; what is overdue at the end of it.
  std::vector<node_id> tell_for(int64_t ms, std::vector<int64_t> loads) {
    for (const auto end = now + ms; now + 10'000 < end;)
      CHECK(tell(loads).empty());
    return tell(loads);
  }
};

} // namespace

TEST_CASE("a node is hot with half as much again as the others' mean, and a "
          "megabyte more at least",
  "[cluster][hot_nodes]") {
  CHECK(heat_limit(10 * mb) == 15 * mb);
  CHECK(heat_limit(2 * mb) == 3 * mb);
  CHECK(heat_limit(mb / 10) == mb / 10 + mb);
  CHECK(heat_limit(0) == mb);
}

TEST_CASE("a node that stays hot is overdue after the whole delay, and again "
          "after another one",
  "[cluster][hot_nodes]") {
  told t;
  // Of 20 on average 30 would not be hot.
  CHECK(t.tell_for(70'000, {33, 15, 12}) == std::vector<node_id>{{1}});
  CHECK(t.nodes.mean() == 20 * mb);
  CHECK(t.tell_for(60'000, {33, 15, 12}) == std::vector<node_id>{{1}});
}

TEST_CASE("one that is not hot is never overdue", "[cluster][hot_nodes]") {
  told t;
  for (int i = 0; i < 100; ++i)
    CHECK(t.tell({30, 15, 15}).empty());
  // Nearly all that there is, but hardly anything.
  told idle;
  for (int64_t now = 0; now < 10 * delay; now += 10'000) {
    for (const auto id : three)
      idle.nodes.note(id, {{id.value == 1 ? 900'000 : 0, 0}, 10'000, {}}, now);
    CHECK(idle.nodes.look(three, now).empty());
  }
}

TEST_CASE("a short burst is none of its business", "[cluster][hot_nodes]") {
  told t;
  for (int i = 0; i < 20; ++i) {
    for (int burst = 0; burst < 6; ++burst)
      CHECK(t.tell({90, 1, 1}).empty());
    CHECK(t.tell({1, 1, 1}).empty());
    CHECK(t.nodes.is_cool({1}));
  }
}

TEST_CASE("the hottest is said first", "[cluster][hot_nodes]") {
  told t;
  const std::set<node_id> five{{1}, {2}, {3}, {4}, {5}};
  std::vector<node_id> overdue;
  for (; t.now <= delay + 10'000; t.now += 10'000) {
    const std::vector<int64_t> loads{40, 2, 50, 3, 5};
    for (const auto id : five)
      t.nodes.note(id,
        {{loads[static_cast<size_t>(id.value) - 1] * mb, 0}, 10'000, {}},
        t.now);
    overdue = t.nodes.look(five, t.now);
    if (!overdue.empty())
      break;
  }
  CHECK(overdue == std::vector<node_id>{{3}, {1}});
}

TEST_CASE("nothing is known before every node has said what it carries, or "
          "when one has fallen silent",
  "[cluster][hot_nodes]") {
  told t;
  for (int i = 0; i < 20; ++i)
    CHECK(t.tell({90, 1}).empty());
  CHECK_FALSE(t.nodes.is_cool({3}));
  // From here on all are known.
  CHECK(t.tell_for(70'000, {90, 1, 1}) == std::vector<node_id>{{1}});
  for (int i = 0; i < 20; ++i)
    CHECK(t.tell({90, 1}).empty());
}

TEST_CASE(
  "what was measured before the nodes led something else does not count",
  "[cluster][hot_nodes]") {
  told t;
  CHECK(t.tell_for(60'000, {90, 1, 1}).empty());
  t.nodes.begin_anew(t.now + 5'000);
  // Half of it is older.
  t.tell({90, 1, 1});
  CHECK(t.nodes.loads().empty());
  CHECK(t.tell_for(70'000, {90, 1, 1}) == std::vector<node_id>{{1}});
}

TEST_CASE("what cannot be is not believed", "[cluster][hot_nodes]") {
  hot_nodes nodes{0};
  nodes.note({1}, {{INT64_MAX, INT64_MAX}, INT64_MIN, {}}, 0);
  nodes.note({2}, {{-5, 3}, 5, {{{}, 0, {INT64_MIN, INT64_MAX}}}}, 0);
  nodes.note({3}, {{mb, 0}, 0, {}}, 0);
  CHECK(nodes.look(three, 0) == std::vector<node_id>{{1}});
  CHECK(nodes.loads().at({2}).rates == byte_counts{0, 3});
  CHECK(nodes.loads().at({2}).heaviest.front().rates.in == 0);
}
