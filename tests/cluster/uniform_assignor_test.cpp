#include "tests/cluster/assignor_host.hpp"

#include <chrono>

namespace millrace {

using namespace test;

namespace {

std::vector<size_t> counts(const group_assignment& assignment) {
  std::vector<size_t> all;
  for (const auto& [id, own] : assignment)
    all.push_back(count_of(own));
  std::ranges::sort(all);
  return all;
}

/// No partition could go to a subscriber that has two less.
void check_balanced(
  const assignor_input& input, const group_assignment& assignment) {
  for (const auto& [id, own] : assignment)
    for (const auto& [other, member] : input.members)
      for (const auto& topic : member.topics)
        if (own.contains(topic)) {
          INFO(id << " could give to " << other);
          REQUIRE(count_of(own) <= count_of(assignment.at(other)) + 1);
        }
}

} // namespace

TEST_CASE("uniform: a group without members gets nothing",
  "[cluster][uniform_assignor]") {
  CHECK(assign_uniform({}).empty());
  CHECK(find_assignor("uniform") == assign_uniform);
  CHECK(find_assignor("sticky") == nullptr);
}

TEST_CASE("uniform: counts differ by at most one over all topics together",
  "[cluster][uniform_assignor]") {
  // Three topics with one partition each: one for each of three members, as
  // range would give all to the first.
  const auto input = group_of(3, {1, 1, 1});
  const auto result = assign_uniform(input);
  check_complete(input, result);
  CHECK(counts(result) == std::vector<size_t>{1, 1, 1});
  // 7 + 4 = 11 = 4 + 4 + 3.
  const auto uneven = group_of(3, {7, 4});
  CHECK(counts(assign_uniform(uneven)) == std::vector<size_t>{3, 4, 4});
}

TEST_CASE("uniform: each topic is spread over the members",
  "[cluster][uniform_assignor]") {
  const auto result = assign_uniform(group_of(2, {4, 4}));
  for (const auto& [id, own] : result)
    for (const auto& [topic, partitions] : own)
      CHECK(partitions.size() == 2);
}

TEST_CASE("uniform: a member that joins takes only what it must",
  "[cluster][uniform_assignor]") {
  auto input = group_of(3, {6, 6});
  adopt(input, assign_uniform(input));
  input.members[member_number(3)].topics
    = input.members[member_number(0)].topics;
  const auto result = assign_uniform(input);
  check_complete(input, result);
  CHECK(counts(result) == std::vector<size_t>{3, 3, 3, 3});
  CHECK(moved(input, result) == 3); // one from each of three
}

TEST_CASE("uniform: who gives up partitions keeps some of each topic",
  "[cluster][uniform_assignor]") {
  auto input = group_of(1, {4, 4});
  adopt(input, assign_uniform(input));
  input.members[member_number(1)].topics
    = input.members[member_number(0)].topics;
  const auto result = assign_uniform(input);
  const auto& kept = result.at(member_number(0));
  CHECK(kept.at(topic_number(0)).size() == 2);
  CHECK(kept.at(topic_number(1)).size() == 2);
}

TEST_CASE("uniform: when a member leaves the others keep all they have",
  "[cluster][uniform_assignor]") {
  auto input = group_of(4, {8, 5});
  adopt(input, assign_uniform(input));
  input.members.erase(member_number(1));
  const auto result = assign_uniform(input);
  check_complete(input, result);
  CHECK(moved(input, result) == 0);
}

TEST_CASE("uniform: new partitions move nothing that fits",
  "[cluster][uniform_assignor]") {
  auto input = group_of(3, {6});
  adopt(input, assign_uniform(input));
  input.topics[topic_number(0)] = 12;
  const auto result = assign_uniform(input);
  check_complete(input, result);
  CHECK(counts(result) == std::vector<size_t>{4, 4, 4});
  CHECK(moved(input, result) == 0);
}

TEST_CASE("uniform: members with subscriptions of their own are balanced as "
          "far as those allow",
  "[cluster][uniform_assignor]") {
  auto input = group_of(3, {6, 3});
  input.members[member_number(1)].topics = {topic_number(0)};
  input.members[member_number(2)].topics = {topic_number(0)};
  const auto result = assign_uniform(input);
  check_complete(input, result);
  // Only the first can have topic 1, so the others share topic 0.
  CHECK(counts(result) == std::vector<size_t>{3, 3, 3});
}

TEST_CASE("uniform: a topic that only one subscribes to is all its own",
  "[cluster][uniform_assignor]") {
  auto input = group_of(2, {2, 8});
  input.members[member_number(1)].topics = {topic_number(0)};
  const auto result = assign_uniform(input);
  check_complete(input, result);
  CHECK(count_of(result.at(member_number(0))) == 8);
  CHECK(count_of(result.at(member_number(1))) == 2);
}

TEST_CASE("uniform: random groups are complete, balanced, repeatable and "
          "at rest once assigned",
  "[cluster][uniform_assignor]") {
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    INFO("seed " << seed);
    random_group random{seed};
    const bool alike = seed % 2 == 0;
    auto input = random.make(alike);
    const auto result = assign_uniform(input);
    check_complete(input, result);
    check_balanced(input, result);
    CHECK(assign_uniform(input) == result);
    if (alike) {
      const auto sizes = counts(result);
      CHECK(sizes.back() - sizes.front() <= 1);
    }
    adopt(input, result);
    CHECK(assign_uniform(input) == result);
    // One member leaves: with one set of topics nobody else gives anything.
    if (alike && input.members.size() > 1) {
      input.members.erase(std::next(input.members.begin(),
        static_cast<ptrdiff_t>(random.below(input.members.size()))));
      const auto after = assign_uniform(input);
      check_complete(input, after);
      CHECK(moved(input, after) == 0);
    }
  }
}

TEST_CASE("uniform: a member that joins moves no more than its own share",
  "[cluster][uniform_assignor]") {
  for (size_t members = 1; members <= 12; ++members)
    for (int32_t partitions = 0; partitions <= 40; ++partitions) {
      auto input = group_of(members, {partitions, partitions / 3});
      adopt(input, assign_uniform(input));
      input.members[member_number(members)].topics
        = input.members[member_number(0)].topics;
      const auto result = assign_uniform(input);
      INFO(members << " members, " << partitions << " partitions");
      CHECK(
        moved(input, result) == count_of(result.at(member_number(members))));
    }
}

TEST_CASE("uniform: a thousand partitions and a hundred members take "
          "milliseconds",
  "[cluster][uniform_assignor]") {
  std::vector<int32_t> topics(10, 100);
  auto alike = group_of(100, topics);
  auto unlike = alike;
  for (size_t i = 0; i < 100; ++i)
    if (i % 2 == 0)
      std::erase(
        unlike.members.at(member_number(i)).topics, topic_number(i % 10));
  for (auto* input : {&alike, &unlike}) {
    const auto start = std::chrono::steady_clock::now();
    adopt(*input, assign_uniform(*input));
    const auto took = std::chrono::steady_clock::now() - start;
    check_complete(*input, assign_uniform(*input));
    // It takes a millisecond; the bound is for sanitizers and busy machines.
    CHECK(took < std::chrono::milliseconds{200});
  }
}

} // namespace millrace
