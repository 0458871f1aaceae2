#include "cluster/assignor.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// How much a topic says of the order of members: one that many have, and have
/// much of, more than one that a member has alone.
using topic_weight = std::pair<size_t, int32_t>;

std::map<uuid, topic_weight> weights_of(const assignor_input& input) {
  std::map<uuid, topic_weight> weights;
  for (const auto& [topic, partitions] : input.topics)
    weights[topic].second = partitions;
  for (const auto& [id, member] : input.members)
    for (const auto& topic : member.topics)
      if (const auto it = weights.find(topic); it != weights.end())
        ++it->second.first;
  return weights;
}

/// Where a member's run began, as a fraction of the topic that says most;
/// behind all fractions for one that owned nothing.
double run_start(
  const std::map<uuid, topic_weight>& weights, const assignor_member& member) {
  double start = 2;
  topic_weight best{0, 0};
  for (const auto& [topic, partitions] : member.owned)
    if (const auto it = weights.find(topic);
      it != weights.end() && it->second > best && it->second.second > 0
      && !partitions.empty()) {
      best = it->second;
      start = static_cast<double>(partitions.front()) / best.second;
    }
  return start;
}

/// All members, in the order in which each topic's runs are dealt out.
std::vector<const std::string*> in_order(const assignor_input& input) {
  const auto weights = weights_of(input);
  std::vector<std::pair<double, const std::string*>> order;
  for (const auto& [id, member] : input.members)
    order.emplace_back(run_start(weights, member), &id);
  std::ranges::stable_sort(order, {}, [](const auto& entry) {
    return entry.first;
  });
  std::vector<const std::string*> ids;
  ids.reserve(order.size());
  for (const auto& [start, id] : order)
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
