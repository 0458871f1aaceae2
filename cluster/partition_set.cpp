#include "cluster/partition_set.hpp"

#include <algorithm>
#include <iterator>

namespace millrace {

size_t count_of(const partition_set& set) {
  size_t count = 0;
  for (const auto& [topic, partitions] : set)
    count += partitions.size();
  return count;
}

bool contains(const partition_set& set, const uuid& topic, int32_t partition) {
  const auto it = set.find(topic);
  return it != set.end() && std::ranges::binary_search(it->second, partition);
}

void insert(partition_set& set, const uuid& topic, int32_t partition) {
  auto& list = set[topic];
  if (list.empty() || list.back() < partition) {
    list.push_back(partition);
    return;
  }
  const auto at = std::ranges::lower_bound(list, partition);
  if (*at != partition)
    list.insert(at, partition);
}

partition_set common_to(const partition_set& a, const partition_set& b) {
  partition_set both;
  for (const auto& [topic, partitions] : a) {
    const auto other = b.find(topic);
    if (other == b.end())
      continue;
    std::vector<int32_t> list;
    std::ranges::set_intersection(
      partitions, other->second, std::back_inserter(list));
    if (!list.empty())
      both.emplace_hint(both.end(), topic, std::move(list));
  }
  return both;
}

partition_set without(const partition_set& a, const partition_set& b) {
  partition_set rest;
  for (const auto& [topic, partitions] : a) {
    const auto other = b.find(topic);
    std::vector<int32_t> list;
    if (other == b.end())
      list = partitions;
    else
      std::ranges::set_difference(
        partitions, other->second, std::back_inserter(list));
    if (!list.empty())
      rest.emplace_hint(rest.end(), topic, std::move(list));
  }
  return rest;
}

bool is_subset(const partition_set& a, const partition_set& b) {
  return without(a, b).empty();
}

} // namespace millrace
