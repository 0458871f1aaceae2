#include "cluster/share_assignor.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>

namespace millrace {

namespace {

const uuid t{1, 1};
const uuid u{1, 2};

partition_set all_of(const assignor_input& input) {
  partition_set set;
  for (const auto& [topic, count] : input.topics)
    for (int32_t p = 0; p < count; ++p)
      insert(set, topic, p);
  return set;
}

assignor_input input_of(std::map<uuid, int32_t> topics,
  const std::map<std::string, std::vector<uuid>>& members) {
  assignor_input input;
  input.topics = std::move(topics);
  for (const auto& [id, subscribed] : members)
    input.members[id].topics = subscribed;
  return input;
}

/// By partition, how many have it.
std::map<std::pair<uuid, int32_t>, int> counts(
  const group_assignment& targets) {
  std::map<std::pair<uuid, int32_t>, int> counts;
  for (const auto& [id, target] : targets)
    for (const auto& [topic, partitions] : target)
      for (const auto p : partitions)
        ++counts[{topic, p}];
  return counts;
}

/// What holds of every assignment.
void check(const assignor_input& input, const partition_set& ready,
  const group_assignment& targets) {
  REQUIRE(targets.size() == input.members.size());
  const auto had = counts(targets);
  for (const auto& [id, target] : targets) {
    CHECK(is_subset(target, ready));
    const auto& topics = input.members.at(id).topics;
    bool may_have_some = false;
    for (const auto& topic : topics)
      may_have_some = may_have_some || ready.contains(topic);
    CHECK(target.empty() != may_have_some);
    for (const auto& [topic, partitions] : target)
      CHECK(std::ranges::binary_search(topics, topic));
  }
  for (const auto& [topic, partitions] : ready) {
    const bool wanted = std::ranges::any_of(input.members, [&](const auto& m) {
      return std::ranges::binary_search(m.second.topics, topic);
    });
    for (const auto p : partitions)
      CHECK(had.contains({topic, p}) == wanted);
  }
}

} // namespace

TEST_CASE("with enough partitions each has one member, as many as the others",
  "[cluster][share_assignor]") {
  const auto input = input_of({{t, 3}, {u, 2}}, {{"a", {t, u}}, {"b", {t, u}}});
  const auto targets = assign_simple(input, all_of(input));
  check(input, all_of(input), targets);
  for (const auto& [name, count] : counts(targets))
    CHECK(count == 1);
  CHECK(count_of(targets.at("a")) + count_of(targets.at("b")) == 5);
  CHECK(count_of(targets.at("a")) >= 2);
  CHECK(count_of(targets.at("b")) >= 2);
}

TEST_CASE("more members than partitions share them evenly",
  "[cluster][share_assignor]") {
  std::map<std::string, std::vector<uuid>> members;
  for (int i = 0; i < 7; ++i)
    members[std::string(1, static_cast<char>('a' + i))] = {t};
  const auto input = input_of({{t, 3}}, members);
  const auto targets = assign_simple(input, all_of(input));
  check(input, all_of(input), targets);
  for (const auto& [id, target] : targets)
    CHECK(count_of(target) == 1);
  for (const auto& [name, count] : counts(targets))
    CHECK((count == 2 || count == 3)); // 7 = 3 + 2 + 2
}

TEST_CASE("nobody is moved who need not be", "[cluster][share_assignor]") {
  std::map<std::string, std::vector<uuid>> members;
  for (int i = 0; i < 7; ++i)
    members[std::string(1, static_cast<char>('a' + i))] = {t};
  auto input = input_of({{t, 3}}, members);
  const auto before = assign_simple(input, all_of(input));
  for (auto& [id, member] : input.members)
    member.owned = before.at(id);
  CHECK(assign_simple(input, all_of(input)) == before);
  // One who leaves moves at most one other, to where it has been.
  input.members.erase("d");
  const auto after = assign_simple(input, all_of(input));
  check(input, all_of(input), after);
  int moved = 0;
  for (const auto& [id, target] : after)
    moved += target != before.at(id) ? 1 : 0;
  CHECK(moved <= 1);
}

TEST_CASE("what is not ready is given to nobody", "[cluster][share_assignor]") {
  const auto input = input_of({{t, 4}}, {{"a", {t}}, {"b", {t}}});
  const partition_set ready{{t, {1}}};
  const auto targets = assign_simple(input, ready);
  check(input, ready, targets);
  CHECK(targets.at("a") == ready);
  CHECK(targets.at("b") == ready);
  CHECK(assign_simple(input, {}).at("a").empty());
}

TEST_CASE("members with other subscriptions get what they subscribe to",
  "[cluster][share_assignor]") {
  const auto input = input_of(
    {{t, 1}, {u, 4}}, {{"a", {t}}, {"b", {t}}, {"c", {u}}, {"d", {t, u}}});
  const auto targets = assign_simple(input, all_of(input));
  check(input, all_of(input), targets);
}

TEST_CASE("groups at random are assigned whole, and stay so",
  "[cluster][share_assignor]") {
  std::mt19937 random{3};
  const auto below = [&](size_t end) {
    return random() % end;
  };
  for (int round = 0; round < 300; ++round) {
    assignor_input input;
    std::vector<uuid> topics;
    for (size_t i = 0; i <= below(3); ++i) {
      topics.push_back({1, i});
      input.topics[topics.back()] = static_cast<int32_t>(1 + below(5));
    }
    for (size_t i = 0; i <= below(9); ++i) {
      auto& member = input.members["m" + std::to_string(i)];
      for (const auto& topic : topics)
        if (below(3) > 0)
          member.topics.push_back(topic);
    }
    auto ready = all_of(input);
    const bool partly = below(3) == 0;
    if (partly)
      ready.begin()->second.resize(1 + below(ready.begin()->second.size()));
    const auto targets = assign_simple(input, ready);
    check(input, ready, targets);
    for (auto& [id, member] : input.members)
      member.owned = targets.at(id);
    check(input, ready, assign_simple(input, ready));
  }
}

} // namespace millrace
