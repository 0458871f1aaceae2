#include "cluster/replica_moves.hpp"

#include "cluster/replica_workbench.hpp"

namespace millrace {

bool replica_move::copies_data() const {
  return std::any_of(to.begin(), to.end(), [this](node_id id) {
    return !has_node(from, id);
  });
}

std::set<topic_partition> names_of(const std::vector<replica_move>& moves) {
  std::set<topic_partition> names;
  for (const auto& move : moves)
    names.insert(move.name);
  return names;
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

} // namespace millrace
