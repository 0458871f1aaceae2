// Which replicas change places so that nodes hold and lead about as much.

#include "cluster/replica_moves.hpp"
#include "cluster/replica_workbench.hpp"

#include <cstdlib>
#include <utility>

namespace millrace {

namespace {

/// Moves single replicas from nodes that hold much to ones that hold little.
class replica_leveller {
public:
  explicit replica_leveller(workbench& bench) : bench_(bench) {
    auto& partitions = bench.partitions();
    for (size_t i = 0; i < partitions.size(); ++i)
      for (const auto id : partitions[i].replicas)
        held_by_[id].push_back(i);
  }

  /// Returns whether there was something to move.
  bool move_one() {
    if (move_from_here_on())
      return true;
    // What did not fit then may fit by now.
    return !std::exchange(looked_at_, {}).empty() && move_from_here_on();
  }

private:
  using pair = std::pair<node_id, node_id>;

  bool move_from_here_on() {
    for (const auto& [from, to] : uneven_pairs())
      if (move_between(from, to))
        return true;
    return false;
  }

  /// The widest gap first.
  [[nodiscard]] std::vector<pair> uneven_pairs() const {
    const auto& held = bench_.held();
    std::vector<pair> pairs;
    for (const auto& [from, more] : held)
      for (const auto& [to, fewer] : held)
        if (more > fewer + 1)
          pairs.emplace_back(from, to);
    std::stable_sort(
      pairs.begin(), pairs.end(), [&](const auto& a, const auto& b) {
        return held.at(a.first) - held.at(a.second)
               > held.at(b.first) - held.at(b.second);
      });
    return pairs;
  }

  bool move_between(node_id from, node_id to) {
    auto& held = held_by_[from];
    for (auto& i = looked_at_[{from, to}]; i < held.size(); ++i) {
      const auto at = held[i];
      auto& p = bench_.partitions()[at];
      if (!bench_.may_replace(p, from, to))
        continue;
      bench_.change(p, workbench::replaced(p.replicas, from, to));
      held_by_[to].push_back(at);
      return true;
    }
    return false;
  }

  workbench& bench_;
  /// Partitions that are there, or were.
  std::map<node_id, std::vector<size_t>> held_by_;
  /// So many of them have been tried with another node.
  std::map<pair, size_t> looked_at_;
};

/// Lets a big replica of a full node and a small one of an emptier node change
/// places, so that each holds as many as before.
class size_leveller {
public:
  explicit size_leveller(workbench& bench) : bench_(bench) {
    for (const auto& [id, bytes] : bench.bytes())
      mean_ += bytes / static_cast<int64_t>(bench.bytes().size());
  }

  /// Returns whether there was a pair worth it.
  bool swap_one() {
    for (const auto& [full, empty] : uneven_pairs())
      if (swap_between(full, empty))
        return true;
    return false;
  }

private:
  using partitions = std::vector<placed_partition*>;
  /// Nobody copies replicas for less.
  static constexpr int64_t worth_moving = 100'000'000;

  /// The widest gap first; those that are near enough are left out.
  [[nodiscard]] std::vector<std::pair<node_id, node_id>> uneven_pairs() const {
    const auto& bytes = bench_.bytes();
    std::vector<std::pair<node_id, node_id>> pairs;
    for (const auto& [full, more] : bytes)
      for (const auto& [empty, less] : bytes)
        if (more - less > std::max(mean_ / 10, worth_moving))
          pairs.emplace_back(full, empty);
    std::stable_sort(
      pairs.begin(), pairs.end(), [&](const auto& a, const auto& b) {
        return bytes.at(a.first) - bytes.at(a.second)
               > bytes.at(b.first) - bytes.at(b.second);
      });
    return pairs;
  }

  /// What may go from one to the other, by size.
  [[nodiscard]] partitions movable(node_id from, node_id to) const {
    partitions all;
    for (auto& p : bench_.partitions())
      if (bench_.may_replace(p, from, to))
        all.push_back(&p);
    std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) {
      return a->bytes != b->bytes ? a->bytes < b->bytes : a->name < b->name;
    });
    return all;
  }

  bool swap_between(node_id full, node_id empty) {
    const auto gap = bench_.bytes().at(full) - bench_.bytes().at(empty);
    const auto there = movable(full, empty);
    const auto back = movable(empty, full);
    placed_partition* out = nullptr;
    placed_partition* in = nullptr;
    // Anything nearer to half of the gap than a twentieth of it is progress.
    auto best = gap / 2 - gap / 20;
    for (auto* p : there) {
      auto at = std::lower_bound(back.begin(), back.end(), p->bytes - gap / 2,
        [](const auto* q, int64_t bytes) {
          return q->bytes < bytes;
        });
      for (const auto next : {at, at == back.begin() ? at : std::prev(at)}) {
        if (next == back.end())
          continue;
        const auto off = std::abs(p->bytes - (*next)->bytes - gap / 2);
        if (off < best) {
          best = off;
          out = p;
          in = *next;
        }
      }
    }
    if (out == nullptr)
      return false;
    bench_.change(*out, workbench::replaced(out->replicas, full, empty));
    bench_.change(*in, workbench::replaced(in->replicas, empty, full));
    return true;
  }

  workbench& bench_;
  int64_t mean_ = 0;
};

/// Gives what a node is to lead, and more than others, to one that is to lead
/// less; up to `most` times. Returns how often.
size_t level_leaders(workbench& bench, size_t most) {
  const auto& led = bench.led();
  size_t given = 0;
  for (auto& p : bench.partitions()) {
    if (given == most)
      break;
    if (p.replicas.empty())
      continue;
    const auto now = led.find(p.replicas.front());
    auto next = bench.led_by_idlest(p.replicas);
    const auto then = led.find(next.front());
    if (now == led.end() || then == led.end()
        || now->second <= then->second + 1)
      continue;
    bench.change(p, std::move(next));
    ++given;
  }
  return given;
}

} // namespace

move_plan plan_balance(std::span<const usable_broker> nodes,
  const std::vector<placed_partition>& partitions, size_t moves_max) {
  workbench bench{nodes, partitions};
  if (nodes.empty())
    return {};
  size_t left = moves_max;
  replica_leveller replicas{bench};
  while (left > 0 && replicas.move_one())
    --left;
  size_leveller sizes{bench};
  while (left > 1 && sizes.swap_one())
    left -= 2;
  while (left > 0) {
    const auto given = level_leaders(bench, left);
    if (given == 0)
      break;
    left -= given;
  }
  return {difference(partitions, bench.partitions()), {}};
}

} // namespace millrace
