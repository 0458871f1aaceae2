#include "cluster/assignor.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// All members, in the order in which each topic's runs are dealt out.
std::vector<const std::string*> in_order(const assignor_input& input) {
  using place = std::pair<bool, std::string_view>;
  std::vector<std::pair<place, const std::string*>> order;
  order.reserve(input.members.size());
  for (const auto& [id, member] : input.members)
    order.push_back(
      {member.instance ? place{false, *member.instance} : place{true, id},
        &id});
  std::ranges::stable_sort(order, {}, [](const auto& entry) {
    return entry.first;
  });
  std::vector<const std::string*> ids;
  ids.reserve(order.size());
  for (const auto& [at, id] : order)
    ids.push_back(id);
  return ids;
}

} // namespace

group_assignment assign_range(const assignor_input& input) {
  group_assignment result;
  std::map<uuid, std::vector<partition_set*>> subscribers;
  for (const auto& [id, member] : input.members)
    result[id];
  for (const auto* id : in_order(input))
    for (const auto& topic : input.members.at(*id).topics)
      subscribers[topic].push_back(&result[*id]);
  for (const auto& [topic, owners] : subscribers) {
    const auto it = input.topics.find(topic);
    if (it == input.topics.end())
      continue;
    const auto count = static_cast<int32_t>(owners.size());
    const auto length = it->second / count;
    const auto longer = it->second % count; // that many have one more
    int32_t next = 0;
    for (int32_t i = 0; i < count; ++i) {
      const auto end = next + length + (i < longer ? 1 : 0);
      if (next < end) {
        auto& run = (*owners[static_cast<size_t>(i)])[topic];
        while (next < end)
          run.push_back(next++);
      }
    }
  }
  return result;
}

} // namespace millrace
