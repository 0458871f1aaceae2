#include "tests/cluster/assignor_host.hpp"

namespace millrace {

using namespace test;

TEST_CASE("range: each subscriber gets one run of each topic",
  "[cluster][range_assignor]") {
  const auto input = group_of(3, {7});
  const auto result = assign_range(input);
  check_complete(input, result);
  const auto topic = topic_number(0);
  CHECK(result.at(member_number(0)).at(topic) == std::vector{0, 1, 2});
  CHECK(result.at(member_number(1)).at(topic) == std::vector{3, 4});
  CHECK(result.at(member_number(2)).at(topic) == std::vector{5, 6});
  CHECK(find_assignor("range") == assign_range);
}

TEST_CASE("range: topics of one size are co-partitioned, also after members "
          "come and go",
  "[cluster][range_assignor]") {
  auto input = group_of(4, {10, 10, 10});
  for (int round = 0; round < 3; ++round) {
    const auto result = assign_range(input);
    check_complete(input, result);
    for (const auto& [id, own] : result) {
      CHECK(own.at(topic_number(0)) == own.at(topic_number(1)));
      CHECK(own.at(topic_number(0)) == own.at(topic_number(2)));
    }
    adopt(input, result);
    if (round == 0)
      input.members.erase(member_number(1));
    else
      input.members["a-newcomer"].topics
        = input.members.at(member_number(0)).topics;
  }
}

TEST_CASE("range: members without partitions to have get none",
  "[cluster][range_assignor]") {
  const auto input = group_of(3, {2});
  const auto result = assign_range(input);
  check_complete(input, result);
  CHECK(result.at(member_number(2)).empty());
  CHECK(assign_range({}).empty());
}

TEST_CASE("range: members stand in the order of their ids, whatever they own",
  "[cluster][range_assignor]") {
  auto input = group_of(2, {9});
  adopt(input, assign_range(input)); // 0-4 and 5-8
  input.members["a-newcomer"].topics
    = input.members.at(member_number(0)).topics;
  const auto result = assign_range(input);
  const auto topic = topic_number(0);
  CHECK(result.at("a-newcomer").at(topic) == std::vector{0, 1, 2});
  CHECK(result.at(member_number(0)).at(topic) == std::vector{3, 4, 5});
  CHECK(result.at(member_number(1)).at(topic) == std::vector{6, 7, 8});
}

TEST_CASE("range: static members come first, and have their runs again when "
          "they are back",
  "[cluster][range_assignor]") {
  auto input = group_of(3, {3});
  const auto topic = topic_number(0);
  input.members.at(member_number(2)).instance = "x";
  input.members.at(member_number(1)).instance = "y";
  auto result = assign_range(input);
  CHECK(result.at(member_number(2)).at(topic) == std::vector{0});
  CHECK(result.at(member_number(1)).at(topic) == std::vector{1});
  CHECK(result.at(member_number(0)).at(topic) == std::vector{2});
  auto back = input.members.extract(member_number(2));
  back.key() = "zzz";
  input.members.insert(std::move(back));
  result = assign_range(input);
  CHECK(result.at("zzz").at(topic) == std::vector{0});
  CHECK(result.at(member_number(1)).at(topic) == std::vector{1});
}

TEST_CASE("range: random groups are complete, and in runs",
  "[cluster][range_assignor]") {
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    INFO("seed " << seed);
    random_group random{seed};
    const bool alike = seed % 2 == 0;
    auto input = random.make(alike);
    for (auto& [id, member] : input.members)
      if (random.below(3) == 0)
        member.instance = "of " + id;
    const auto result = assign_range(input);
    check_complete(input, result);
    for (const auto& [id, own] : result)
      for (const auto& [topic, run] : own)
        CHECK(run.back() - run.front() + 1 == static_cast<int32_t>(run.size()));
    for (const auto& [topic, count] : input.topics) {
      size_t least = SIZE_MAX;
      size_t most = 0;
      for (const auto& [id, member] : input.members)
        if (std::ranges::count(member.topics, topic) == 1) {
          const auto it = result.at(id).find(topic);
          const auto size = it == result.at(id).end() ? 0 : it->second.size();
          least = std::min(least, size);
          most = std::max(most, size);
        }
      if (least != SIZE_MAX)
        CHECK(most - least <= 1);
    }
  }
}

} // namespace millrace
