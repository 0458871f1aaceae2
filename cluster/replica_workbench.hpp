#pragma once

// What nodes hold and are to lead, while moves of replicas are being chosen.

#include "cluster/partition_settling.hpp"
#include "cluster/replica_moves.hpp"
#include "schema/assert.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace millrace {

class workbench {
public:
  workbench(std::span<const usable_broker> nodes,
    const std::vector<placed_partition>& partitions)
      : partitions_(partitions) {
    for (const auto& node : nodes) {
      racks_[node.id] = node.rack;
      held_[node.id] = led_[node.id] = bytes_[node.id] = 0;
    }
    for (const auto& p : partitions_)
      count(p, 1);
  }

  [[nodiscard]] const std::map<node_id, int64_t>& held() const {
    return held_;
  }
  [[nodiscard]] const std::map<node_id, int64_t>& led() const {
    return led_;
  }
  [[nodiscard]] const std::map<node_id, int64_t>& bytes() const {
    return bytes_;
  }
  [[nodiscard]] std::vector<placed_partition>& partitions() {
    return partitions_;
  }

  void change(placed_partition& p, std::vector<node_id> to) {
    count(p, -1);
    p.replicas = std::move(to);
    count(p, 1);
  }

  [[nodiscard]] size_t racks_of(const std::vector<node_id>& replicas) const {
    std::set<std::optional<std::string>> racks;
    for (const auto id : replicas)
      if (const auto at = racks_.find(id); at != racks_.end())
        racks.insert(at->second);
    return racks.size();
  }

  /// The best node in the place of `out`; none if all have a replica.
  [[nodiscard]] std::optional<node_id> substitute(
    const placed_partition& p, node_id out) const {
    std::optional<node_id> best;
    std::pair<size_t, int64_t> best_rank;
    for (const auto& [id, count] : held_) {
      if (id == out || has_node(p.replicas, id))
        continue;
      const std::pair rank{racks_of(replaced(p.replicas, out, id)), -count};
      if (!best || rank > best_rank) {
        best = id;
        best_rank = rank;
      }
    }
    return best;
  }

  /// The one that is to lead least goes to the front.
  [[nodiscard]] std::vector<node_id> led_by_idlest(
    std::vector<node_id> replicas) const {
    auto idlest = replicas.begin();
    for (auto at = replicas.begin(); at != replicas.end(); ++at)
      if (leads(*at) < leads(*idlest))
        idlest = at;
    std::rotate(replicas.begin(), idlest, std::next(idlest));
    return replicas;
  }

  /// Whether `in` may have the replica of `out`: it has none, and the
  /// partition is on no fewer racks then.
  [[nodiscard]] bool may_replace(
    const placed_partition& p, node_id out, node_id in) const {
    return has_node(p.replicas, out) && !has_node(p.replicas, in)
           && racks_of(replaced(p.replicas, out, in)) >= racks_of(p.replicas);
  }

  [[nodiscard]] static std::vector<node_id> replaced(
    std::vector<node_id> replicas, node_id out, node_id in) {
    std::replace(replicas.begin(), replicas.end(), out, in);
    return replicas;
  }

private:
  void count(const placed_partition& p, int64_t by) {
    for (const auto id : p.replicas)
      if (const auto at = held_.find(id); at != held_.end()) {
        at->second += by;
        bytes_[id] += by * p.bytes;
      }
    if (!p.replicas.empty())
      if (const auto at = led_.find(p.replicas.front()); at != led_.end())
        at->second += by;
  }
  /// One that is not usable is no choice.
  [[nodiscard]] int64_t leads(node_id id) const {
    const auto at = led_.find(id);
    return at == led_.end() ? INT64_MAX : at->second;
  }

  std::vector<placed_partition> partitions_;
  std::map<node_id, std::optional<std::string>> racks_;
  std::map<node_id, int64_t> held_;
  std::map<node_id, int64_t> led_;
  std::map<node_id, int64_t> bytes_;
};

/// The moves from one placement to another.
inline std::vector<replica_move> difference(
  const std::vector<placed_partition>& before,
  const std::vector<placed_partition>& after) {
  MILLRACE_ASSERT(
    before.size() == after.size(), "partitions stay what they are");
  std::vector<replica_move> moves;
  for (size_t i = 0; i < before.size(); ++i)
    if (before[i].replicas != after[i].replicas)
      moves.push_back({before[i].name, before[i].replicas, after[i].replicas});
  return moves;
}

} // namespace millrace
