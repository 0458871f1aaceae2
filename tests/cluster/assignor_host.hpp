#pragma once

// Groups for tests of assignors, and what holds for every assignment.

#include "cluster/assignor.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace millrace::test {

inline uuid topic_number(uint64_t number) {
  return {1, number};
}

inline std::string member_number(size_t number) {
  auto digits = std::to_string(number);
  return "member-" + std::string(3 - digits.size(), '0') + digits;
}

/// Topics 0, 1, ... with these partition counts.
inline assignor_input group_of(
  size_t members, const std::vector<int32_t>& partitions) {
  assignor_input input;
  std::vector<uuid> all;
  for (size_t i = 0; i < partitions.size(); ++i) {
    all.push_back(topic_number(i));
    input.topics[all.back()] = partitions[i];
  }
  for (size_t i = 0; i < members; ++i)
    input.members[member_number(i)].topics = all;
  return input;
}

/// The next assignment of the same group starts from this one.
inline void adopt(assignor_input& input, const group_assignment& assignment) {
  for (auto& [id, member] : input.members)
    if (const auto it = assignment.find(id); it != assignment.end())
      member.owned = it->second;
}

/// Every partition of a subscribed topic has one owner, who subscribes to it,
/// and nothing else is assigned.
inline void check_complete(
  const assignor_input& input, const group_assignment& assignment) {
  REQUIRE(assignment.size() == input.members.size());
  std::set<uuid> subscribed;
  std::set<std::pair<uuid, int32_t>> owned;
  for (const auto& [id, member] : input.members) {
    for (const auto& topic : member.topics)
      if (input.topics.contains(topic))
        subscribed.insert(topic);
    for (const auto& [topic, partitions] : assignment.at(id)) {
      REQUIRE(std::ranges::count(member.topics, topic) == 1);
      REQUIRE_FALSE(partitions.empty());
      REQUIRE(std::ranges::is_sorted(partitions));
      for (const auto partition : partitions) {
        REQUIRE(partition >= 0);
        REQUIRE(partition < input.topics.at(topic));
        REQUIRE(owned.emplace(topic, partition).second);
      }
    }
  }
  size_t wanted = 0;
  for (const auto& topic : subscribed)
    wanted += static_cast<size_t>(input.topics.at(topic));
  REQUIRE(owned.size() == wanted);
}

/// How many partitions were somebody's and are now somebody else's, or
/// their owner's who could have kept them.
inline size_t moved(
  const assignor_input& before, const group_assignment& after) {
  size_t count = 0;
  for (const auto& [id, member] : before.members)
    count += count_of(without(member.owned, after.at(id)));
  return count;
}

/// A random group: members, topics, subscriptions, and something owned.
class random_group {
public:
  explicit random_group(uint64_t seed) : random_(seed) {}

  size_t below(size_t bound) {
    return std::uniform_int_distribution<size_t>{0, bound - 1}(random_);
  }

  assignor_input make(bool alike) {
    assignor_input input;
    const auto topics = below(6);
    std::vector<uuid> all;
    for (size_t i = 0; i < topics; ++i) {
      all.push_back(topic_number(i));
      input.topics[all.back()] = static_cast<int32_t>(below(12));
    }
    all.push_back(topic_number(99)); // does not exist
    const auto members = 1 + below(8);
    for (size_t i = 0; i < members; ++i) {
      auto& member = input.members[member_number(i)];
      for (const auto& topic : all)
        if (alike || below(2) == 0)
          member.topics.push_back(topic);
      for (const auto& topic : all)
        for (int32_t p = 0; p < 14; ++p)
          if (below(6) == 0)
            insert(member.owned, topic, p);
    }
    return input;
  }

private:
  std::mt19937_64 random_;
};

} // namespace millrace::test
