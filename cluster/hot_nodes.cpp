#include "cluster/hot_nodes.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// Nobody rebalances for less.
constexpr int64_t worth_it = 1'000'000;
/// A node that says that it carries more is wrong, or means no good.
constexpr int64_t rate_max = int64_t{1} << 50;

} // namespace

int64_t heat_limit(int64_t mean) {
  return std::max(mean + mean / 2, mean + worth_it);
}

void hot_nodes::note(node_id id, node_load load, int64_t now_ms) {
  load.over_ms = std::max<int64_t>(load.over_ms, 0);
  if (now_ms - load.over_ms < anew_ms_)
    return;
  const auto bound = [](byte_counts& rates) {
    rates.in = std::clamp<int64_t>(rates.in, 0, rate_max);
    rates.out = std::clamp<int64_t>(rates.out, 0, rate_max);
  };
  bound(load.rates);
  for (auto& p : load.heaviest)
    bound(p.rates);
  loads_[id] = std::move(load);
  told_ms_[id] = now_ms;
}

void hot_nodes::begin_anew(int64_t now_ms) {
  anew_ms_ = now_ms;
  loads_.clear();
  told_ms_.clear();
  hot_since_ms_.clear();
}

bool hot_nodes::is_cool(node_id id) const {
  const auto at = loads_.find(id);
  return at != loads_.end() && at->second.rates.total() <= heat_limit(mean_);
}

bool hot_nodes::know(const std::set<node_id>& nodes, int64_t now_ms) {
  mean_ = 0;
  for (const auto id : nodes) {
    const auto told = told_ms_.find(id);
    if (told == told_ms_.end() || now_ms - told->second > fresh_ms)
      return false;
    mean_ += loads_.at(id).rates.total() / static_cast<int64_t>(nodes.size());
  }
  return true;
}

std::vector<node_id> hot_nodes::look(
  const std::set<node_id>& nodes, int64_t now_ms) {
  if (!know(nodes, now_ms)) {
    hot_since_ms_.clear();
    return {};
  }
  std::vector<node_id> overdue;
  for (const auto id : nodes) {
    if (loads_.at(id).rates.total() <= heat_limit(mean_)) {
      hot_since_ms_.erase(id);
      continue;
    }
    auto& since = hot_since_ms_.try_emplace(id, now_ms).first->second;
    if (now_ms - since < delay_ms_)
      continue;
    since = now_ms;
    overdue.push_back(id);
  }
  std::sort(overdue.begin(), overdue.end(), [this](node_id a, node_id b) {
    return loads_.at(a).rates.total() > loads_.at(b).rates.total();
  });
  return overdue;
}

} // namespace millrace
