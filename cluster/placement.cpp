#include "cluster/placement.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace millrace {

namespace {

/// The brokers so that neighbours are in different racks as far as may be:
/// one of each rack in turn. Brokers without a rack form one.
std::vector<usable_broker> alternating(std::span<const usable_broker> brokers) {
  std::map<std::string, std::vector<usable_broker>> racks;
  for (const auto& broker : brokers)
    racks[broker.rack.value_or("")].push_back(broker);
  for (auto& [name, members] : racks)
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
      return a.id < b.id;
    });
  std::vector<usable_broker> order;
  for (size_t round = 0; order.size() < brokers.size(); ++round)
    for (const auto& [name, members] : racks)
      if (round < members.size())
        order.push_back(members[round]);
  return order;
}

/// The first broker at or after `from` that is not taken and whose rack is
/// not in `racks`; if every rack is there, the first that is not taken.
size_t next_replica(const std::vector<usable_broker>& order, size_t from,
  const std::vector<node_id>& taken, const std::set<std::string>& racks) {
  size_t fallback = order.size();
  for (size_t i = 0; i < order.size(); ++i) {
    const size_t at = (from + i) % order.size();
    if (std::find(taken.begin(), taken.end(), order[at].id) != taken.end())
      continue;
    if (racks.find(order[at].rack.value_or("")) == racks.end())
      return at;
    if (fallback == order.size())
      fallback = at;
  }
  return fallback;
}

} // namespace

result<std::vector<std::vector<node_id>>> place_replicas(
  std::span<const usable_broker> brokers, int32_t first_partition,
  int32_t count, int16_t replication_factor, uint64_t seed) {
  if (replication_factor < 1
      || static_cast<size_t>(replication_factor) > brokers.size())
    return error{errc::invalid_argument,
      "Unable to replicate the partition " + std::to_string(replication_factor)
        + " time(s): The target replication factor of "
        + std::to_string(replication_factor)
        + " cannot be reached because only " + std::to_string(brokers.size())
        + " broker(s) are registered."};
  const auto order = alternating(brokers);
  std::vector<std::vector<node_id>> placed;
  placed.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    const auto partition
      = static_cast<size_t>(first_partition) + static_cast<size_t>(i);
    const size_t leader = (seed % order.size() + partition) % order.size();
    // Each time round, the followers begin one broker further, so that one
    // leader's partitions do not all share their followers.
    const size_t shift = 1 + partition / order.size();
    std::vector<node_id> replicas{order[leader].id};
    std::set<std::string> racks{order[leader].rack.value_or("")};
    size_t at = leader + shift;
    while (replicas.size() < static_cast<size_t>(replication_factor)) {
      at = next_replica(order, at, replicas, racks);
      replicas.push_back(order[at].id);
      racks.insert(order[at].rack.value_or(""));
      ++at;
    }
    placed.push_back(std::move(replicas));
  }
  return placed;
}

} // namespace millrace
