#pragma once

// Partitions of several topics: what a member of a consumer group has, is to
// get, or must give back.

#include "schema/types.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace millrace {

/// By topic id. No topic is there without partitions, and each list ascends
/// without duplicates.
using partition_set = std::map<uuid, std::vector<int32_t>>;

[[nodiscard]] size_t count_of(const partition_set& set);
[[nodiscard]] bool contains(
  const partition_set& set, const uuid& topic, int32_t partition);
/// Nothing happens if it is there already.
void insert(partition_set& set, const uuid& topic, int32_t partition);
/// What is in `a` and in `b`.
[[nodiscard]] partition_set common_to(
  const partition_set& a, const partition_set& b);
/// What is in `a` and not in `b`.
[[nodiscard]] partition_set without(
  const partition_set& a, const partition_set& b);
/// Whether all of `a` is in `b`.
[[nodiscard]] bool is_subset(const partition_set& a, const partition_set& b);

/// From a list of structs with `topic_id` and `partitions`, as messages have.
template <class Topics>
[[nodiscard]] partition_set partitions_of(const Topics& topics) {
  partition_set set;
  for (const auto& t : topics)
    for (const auto partition : t.partitions)
      insert(set, t.topic_id, partition);
  return set;
}

/// The list that partitions_of() reads.
template <class Topic>
[[nodiscard]] std::vector<Topic> list_of(const partition_set& set) {
  std::vector<Topic> list;
  list.reserve(set.size());
  for (const auto& [id, partitions] : set) {
    auto& t = list.emplace_back();
    t.topic_id = id;
    t.partitions = partitions;
  }
  return list;
}

} // namespace millrace
