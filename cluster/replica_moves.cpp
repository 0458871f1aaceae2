#include "cluster/replica_moves.hpp"

#include "cluster/partition_settling.hpp"
#include "schema/assert.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace millrace {

namespace {

/// What the nodes hold and are to lead, while moves are being chosen.
class workbench {
public:
  workbench(std::span<const usable_broker> nodes,
    const std::vector<placed_partition>& partitions)
      : partitions_(partitions) {
    for (const auto& node : nodes) {
      racks_[node.id] = node.rack;
      held_[node.id] = led_[node.id] = 0;
    }
    for (const auto& p : partitions_)
      count(p.replicas, 1);
  }

  [[nodiscard]] const std::map<node_id, int64_t>& held() const {
    return held_;
  }
  [[nodiscard]] const std::map<node_id, int64_t>& led() const {
    return led_;
  }
  [[nodiscard]] std::vector<placed_partition>& partitions() {
    return partitions_;
  }

  void change(placed_partition& p, std::vector<node_id> to) {
    count(p.replicas, -1);
    p.replicas = std::move(to);
    count(p.replicas, 1);
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

  [[nodiscard]] static std::vector<node_id> replaced(
    std::vector<node_id> replicas, node_id out, node_id in) {
    std::replace(replicas.begin(), replicas.end(), out, in);
    return replicas;
  }

private:
  void count(const std::vector<node_id>& replicas, int64_t by) {
    for (const auto id : replicas)
      if (const auto at = held_.find(id); at != held_.end())
        at->second += by;
    if (!replicas.empty())
      if (const auto at = led_.find(replicas.front()); at != led_.end())
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
};

/// Moves one replica from a node that holds much to one that holds little.
/// Returns whether there was such a pair.
bool level_replicas(workbench& bench) {
  const auto& held = bench.held();
  // The pair with the widest gap first; another one where that cannot be.
  std::vector<std::pair<node_id, node_id>> pairs;
  for (const auto& [from, more] : held)
    for (const auto& [to, fewer] : held)
      if (more > fewer + 1)
        pairs.emplace_back(from, to);
  std::stable_sort(
    pairs.begin(), pairs.end(), [&](const auto& a, const auto& b) {
      return held.at(a.first) - held.at(a.second)
             > held.at(b.first) - held.at(b.second);
    });
  for (const auto& [from, to] : pairs)
    for (auto& p : bench.partitions()) {
      if (!has_node(p.replicas, from) || has_node(p.replicas, to))
        continue;
      auto next = workbench::replaced(p.replicas, from, to);
      if (bench.racks_of(next) < bench.racks_of(p.replicas))
        continue;
      bench.change(p, std::move(next));
      return true;
    }
  return false;
}

/// Gives what a node is to lead, and more than others, to one that is to lead
/// less. Returns whether there was such a partition.
bool level_leaders(workbench& bench) {
  const auto& led = bench.led();
  for (auto& p : bench.partitions()) {
    if (p.replicas.empty())
      continue;
    const auto now = led.find(p.replicas.front());
    auto next = bench.led_by_idlest(p.replicas);
    const auto then = led.find(next.front());
    if (now == led.end() || then == led.end()
        || now->second <= then->second + 1)
      continue;
    bench.change(p, std::move(next));
    return true;
  }
  return false;
}

std::vector<replica_move> difference(
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

} // namespace

bool replica_move::copies_data() const {
  return std::any_of(to.begin(), to.end(), [this](node_id id) {
    return !has_node(from, id);
  });
}

move_plan plan_drain(std::span<const usable_broker> nodes,
  const std::vector<placed_partition>& partitions, node_id node) {
  std::vector<usable_broker> others;
  for (const auto& other : nodes)
    if (other.id != node)
      others.push_back(other);
  workbench bench{others, partitions};
  move_plan plan;
  for (auto& p : bench.partitions()) {
    if (!has_node(p.replicas, node))
      continue;
    const bool led = p.replicas.front() == node;
    const auto in = bench.substitute(p, node);
    auto next = p.replicas;
    if (in) {
      next = workbench::replaced(std::move(next), node, *in);
    } else {
      plan.stuck.push_back(p.name);
      std::erase(next, node);
      next.push_back(node);
    }
    if (led)
      next = bench.led_by_idlest(std::move(next));
    bench.change(p, std::move(next));
  }
  plan.moves = difference(partitions, bench.partitions());
  return plan;
}

move_plan plan_handover(std::span<const usable_broker> nodes,
  const std::vector<placed_partition>& partitions, node_id node) {
  workbench bench{nodes, partitions};
  move_plan plan;
  for (auto& p : bench.partitions()) {
    if (p.replicas.empty() || p.replicas.front() != node)
      continue;
    if (p.replicas.size() == 1) {
      plan.stuck.push_back(p.name);
      continue;
    }
    auto next = bench.led_by_idlest({p.replicas.begin() + 1, p.replicas.end()});
    next.push_back(node);
    bench.change(p, std::move(next));
  }
  plan.moves = difference(partitions, bench.partitions());
  return plan;
}

move_plan plan_balance(std::span<const usable_broker> nodes,
  const std::vector<placed_partition>& partitions) {
  workbench bench{nodes, partitions};
  if (nodes.empty())
    return {};
  while (level_replicas(bench)) {
  }
  while (level_leaders(bench)) {
  }
  return {difference(partitions, bench.partitions()), {}};
}

} // namespace millrace
