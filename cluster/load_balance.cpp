#include "cluster/load_balance.hpp"

#include "cluster/hot_nodes.hpp"
#include "cluster/replica_workbench.hpp"

#include <cstdio>
#include <tuple>

namespace millrace {

namespace {

std::vector<placed_partition> placed(
  const std::vector<loaded_partition>& partitions) {
  std::vector<placed_partition> all;
  all.reserve(partitions.size());
  for (const auto& p : partitions)
    all.push_back(p.placed);
  return all;
}

/// One heavy partition that another node is to lead.
struct remedy {
  enum class kind : uint8_t {
    elect,    ///< the one that is to lead it anyhow
    lead,     ///< another one that has it
    lead_odd, ///< the same, but then some node leads more than its share
    copy,     ///< one that has to get it first
  };
  kind how = kind::elect;
  size_t heavy = 0;
  node_id to{-1};
  std::optional<size_t> back; ///< a light one that goes the other way
  int64_t worst = INT64_MAX;  ///< load of the fuller of the two, after it
};

class cooler {
public:
  cooler(std::span<const usable_broker> nodes,
    const std::map<node_id, int64_t>& loads,
    const std::vector<loaded_partition>& partitions)
      : partitions_(partitions), bench_(nodes, placed(partitions)),
        loads_(loads), changed_(partitions.size()) {
    for (const auto& [id, load] : loads_)
      mean_ += load / static_cast<int64_t>(loads_.size());
    for (size_t i = 0; i < partitions_.size(); ++i)
      if (is_settled(partitions_[i]))
        led_by_[partitions_[i].leader].push_back(i);
  }

  cooling cool(node_id hot) {
    auto plan = describe(hot);
    std::vector<size_t> touched;
    while (loads_.at(hot) > mean_ + mean_ / 5) {
      const auto best = find(hot);
      if (!best)
        break;
      carry_out(hot, *best, touched, plan);
    }
    for (const auto i : touched)
      plan.moves.push_back({partitions_[i].placed.name,
        partitions_[i].placed.replicas, bench_.partitions()[i].replicas});
    if (!plan.moves.empty() || !plan.elect.empty())
      plan.found = cooling::outcome::helps;
    return plan;
  }

private:
  /// Led by the one that is to lead it.
  static bool is_settled(const loaded_partition& p) {
    return !p.placed.replicas.empty() && p.placed.replicas.front() == p.leader;
  }

  [[nodiscard]] cooling describe(node_id hot) const {
    cooling plan;
    plan.node = hot;
    plan.load = loads_.at(hot);
    plan.mean = mean_;
    for (const auto& p : partitions_)
      if (p.heavy && p.leader == hot && p.load > plan.heaviest_load) {
        plan.heaviest = p.placed.name;
        plan.heaviest_load = p.load;
      }
    if (plan.heaviest_load > heat_limit(mean_))
      plan.found = cooling::outcome::one_partition;
    return plan;
  }

  /// The cheapest kind of remedy that helps, and of that kind the best.
  [[nodiscard]] std::optional<remedy> find(node_id hot) {
    partners_.clear();
    std::map<remedy::kind, remedy> best;
    for (size_t i = 0; i < partitions_.size(); ++i)
      if (partitions_[i].heavy && partitions_[i].leader == hot && !changed_[i])
        for (const auto& [to, load] : loads_)
          if (to != hot)
            if (const auto found = to_lead(i, hot, to);
              found && helps(hot, *found))
              if (auto& known = best[found->how]; found->worst < known.worst)
                known = *found;
    // An election costs no more than another order of the replicas.
    const auto elect = best.find(remedy::kind::elect);
    const auto lead = best.find(remedy::kind::lead);
    if (elect != best.end()
        && (lead == best.end() || elect->second.worst <= lead->second.worst))
      return elect->second;
    if (lead != best.end())
      return lead->second;
    if (const auto odd = best.find(remedy::kind::lead_odd); odd != best.end())
      return odd->second;
    const auto copy = best.find(remedy::kind::copy);
    if (copy != best.end() && copies_left_ > 0
        && loads_.at(hot) > heat_limit(mean_))
      return copy->second;
    return std::nullopt;
  }

  /// Not for a trifle: part of what is too much has to go.
  [[nodiscard]] bool helps(node_id hot, const remedy& r) const {
    const auto load = loads_.at(hot);
    const auto part = r.how == remedy::kind::copy ? 20 : 100;
    return load - r.worst > (load - mean_) / part;
  }

  /// How `to` could lead it instead; none if it cannot.
  [[nodiscard]] std::optional<remedy> to_lead(
    size_t heavy, node_id hot, node_id to) {
    const auto& p = partitions_[heavy];
    const auto preferred = p.placed.replicas.front();
    if (has_node(p.placed.replicas, to) && !has_node(p.ready, to))
      return std::nullopt;
    if (preferred == to)
      return weighed({remedy::kind::elect, heavy, to, {}}, hot);
    if (!loads_.contains(preferred))
      return std::nullopt; // it is away, and comes back to what it had
    if (has_node(p.placed.replicas, to)) {
      if (is_level(bench_.led(), preferred, to, 1))
        return weighed({remedy::kind::lead, heavy, to, {}}, hot);
      if (const auto back = partner(to, preferred, false))
        return weighed({remedy::kind::lead, heavy, to, back}, hot);
      if (is_level(bench_.led(), preferred, to, 2))
        return weighed({remedy::kind::lead_odd, heavy, to, {}}, hot);
      return std::nullopt;
    }
    if (preferred != hot
        || !bench_.may_replace(bench_.partitions()[heavy], hot, to))
      return std::nullopt;
    if (is_level(bench_.led(), hot, to, 1)
        && is_level(bench_.held(), hot, to, 1))
      return weighed({remedy::kind::copy, heavy, to, {}}, hot);
    if (const auto back = partner(to, hot, true))
      return weighed({remedy::kind::copy, heavy, to, back}, hot);
    return std::nullopt;
  }

  [[nodiscard]] remedy weighed(remedy r, node_id hot) const {
    auto after = loads_;
    give(after, r.heavy, hot, r.to);
    const auto preferred = partitions_[r.heavy].placed.replicas.front();
    if (r.back)
      give(after, *r.back, r.to, preferred);
    r.worst = std::max(after.at(hot), after.at(r.to));
    if (r.back)
      r.worst = std::max(r.worst, after.at(preferred));
    return r;
  }

  void give(std::map<node_id, int64_t>& loads, size_t i, node_id from,
    node_id to) const {
    if (partitions_[i].heavy) // else it may be less
      loads.at(from) -= partitions_[i].load;
    loads.at(to) += partitions_[i].load;
  }

  /// Whether the nodes differ by `most` at most, or by no more than now, if
  /// one of `from` goes to `to`.
  [[nodiscard]] static bool is_level(const std::map<node_id, int64_t>& counts,
    node_id from, node_id to, int64_t most) {
    auto after = counts;
    --after.at(from);
    ++after.at(to);
    return spread(after) <= std::max(most, spread(counts));
  }
  [[nodiscard]] static int64_t spread(
    const std::map<node_id, int64_t>& counts) {
    int64_t low = INT64_MAX;
    int64_t high = 0;
    for (const auto& [id, count] : counts) {
      low = std::min(low, count);
      high = std::max(high, count);
    }
    return high - low;
  }

  /// The lightest that `from` leads and that `to` could lead in return: as it
  /// has it, or by a copy in the place of that of `from`. Not that of
  /// coordinators, if there is another one: groups would notice.
  [[nodiscard]] std::optional<size_t> partner(
    node_id from, node_id to, bool copies) {
    const auto [at, fresh] = partners_.try_emplace({from, to, copies});
    if (!fresh)
      return at->second;
    auto& best = at->second;
    const auto rank = [this](size_t i) {
      const auto& p = partitions_[i];
      return std::pair{p.placed.name.topic.starts_with("__"), p.load};
    };
    for (const auto i : led_by_[from]) {
      const auto& p = bench_.partitions()[i];
      const bool may = copies ? bench_.may_replace(p, from, to)
                              : has_node(partitions_[i].ready, to);
      if (!changed_[i] && may && (!best || rank(i) < rank(*best)))
        best = i;
    }
    return best;
  }

  void carry_out(
    node_id hot, const remedy& r, std::vector<size_t>& touched, cooling& plan) {
    const auto& heavy = partitions_[r.heavy].placed;
    const auto preferred = heavy.replicas.front();
    changed_[r.heavy] = true;
    give(loads_, r.heavy, hot, r.to);
    if (r.how == remedy::kind::elect) {
      plan.elect.push_back(heavy.name);
      return;
    }
    const auto change = [&](size_t i, node_id from, node_id to) {
      touched.push_back(i);
      auto& p = bench_.partitions()[i];
      bench_.change(p, r.how == remedy::kind::copy
                         ? workbench::replaced(p.replicas, from, to)
                         : led_by(p.replicas, to));
    };
    change(r.heavy, preferred, r.to);
    if (r.back) {
      changed_[*r.back] = true;
      give(loads_, *r.back, r.to, preferred);
      change(*r.back, r.to, preferred);
    }
    if (r.how == remedy::kind::copy)
      --copies_left_;
  }

  static std::vector<node_id> led_by(
    std::vector<node_id> replicas, node_id id) {
    const auto at = std::find(replicas.begin(), replicas.end(), id);
    std::rotate(replicas.begin(), at, std::next(at));
    return replicas;
  }

  const std::vector<loaded_partition>& partitions_;
  workbench bench_;
  std::map<node_id, int64_t> loads_;
  int64_t mean_ = 0;
  size_t copies_left_ = 4;
  std::vector<bool> changed_; ///< it is not touched twice
  std::map<node_id, std::vector<size_t>> led_by_;
  /// As found for the remedy that is being looked for.
  std::map<std::tuple<node_id, node_id, bool>, std::optional<size_t>> partners_;
};

std::string megabytes(int64_t bytes) {
  char text[32];
  std::snprintf(
    text, sizeof text, "%.1f MB/s", static_cast<double>(bytes) / 1e6);
  return text;
}

std::string node_text(node_id id) {
  return "node " + std::to_string(id.value);
}

std::string changes(const cooling& plan) {
  constexpr size_t named_max = 6;
  std::string all;
  size_t named = 0;
  const auto add = [&](const std::string& one) {
    if (++named <= named_max)
      all += (all.empty() ? "" : ", ") + one;
  };
  for (const auto& name : plan.elect)
    add("the preferred leader of " + to_string(name) + " leads it");
  for (const auto& move : plan.moves)
    add(move.copies_data()
          ? to_string(move.name) + " goes to "
              + node_text(*std::find_if(move.to.begin(), move.to.end(),
                [&](node_id id) {
                  return !has_node(move.from, id);
                }))
          : to_string(move.name) + " is led by " + node_text(move.to.front()));
  if (named > named_max)
    all += ", and " + std::to_string(named - named_max) + " more";
  return all;
}

} // namespace

std::vector<cooling> plan_cooling(std::span<const usable_broker> nodes,
  const std::map<node_id, int64_t>& loads,
  const std::vector<loaded_partition>& partitions,
  const std::vector<node_id>& hot) {
  cooler all{nodes, loads, partitions};
  std::vector<cooling> plans;
  for (const auto id : hot)
    plans.push_back(all.cool(id));
  return plans;
}

std::string to_sentence(const cooling& plan, bool applies) {
  auto text = node_text(plan.node) + " is hot: clients write and read "
              + megabytes(plan.load) + " there, " + megabytes(plan.mean)
              + " on average of all nodes";
  switch (plan.found) {
  case cooling::outcome::helps:
    return text + (applies ? "; from now on " : "; with auto.rebalance=apply: ")
           + changes(plan);
  case cooling::outcome::one_partition:
    return text + "; " + to_string(plan.heaviest) + " alone has "
           + megabytes(plan.heaviest_load)
           + ", and a partition cannot be split: its topic needs more of them";
  case cooling::outcome::nothing_fits:
    break;
  }
  return text + "; no move of a partition would make that much better";
}

} // namespace millrace
