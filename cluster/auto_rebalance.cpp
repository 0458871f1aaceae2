#include "cluster/auto_rebalance.hpp"

#include "cluster/partition_settling.hpp"

#include <algorithm>

namespace millrace {

namespace {

bool is_moving(const partition_registration& p) {
  return !p.adding.empty() || !p.removing.empty();
}

const partition_registration* find(
  const metadata_image& image, const topic_partition& name) {
  const auto* topic = image.find_topic(name.topic);
  return topic == nullptr ? nullptr
                          : image.find_partition(topic->id, name.partition);
}

std::vector<usable_broker> usable(const metadata_image& image) {
  std::vector<usable_broker> all;
  for (const auto& [id, broker] : image.brokers())
    if (image.is_active(id))
      all.push_back({id, broker.rack});
  return all;
}

/// False if somebody moves something: then that is to end first.
bool place(
  const metadata_image& image, std::vector<placed_partition>& partitions) {
  for (const auto& [name, topic] : image.topics())
    for (const auto& p : topic->partitions) {
      if (is_moving(p))
        return false;
      partitions.push_back({{name, p.index}, p.replicas});
    }
  return true;
}

} // namespace

bool auto_rebalance::note_nodes(const metadata_image& image, int64_t now_ms) {
  std::set<node_id> now;
  for (const auto& [id, broker] : image.brokers())
    if (image.is_active(id))
      now.insert(id);
  if (seen_ && now == nodes_)
    return false;
  seen_ = true;
  nodes_ = std::move(now);
  since_ms_ = now_ms;
  settled_ = false;
  return true;
}

void auto_rebalance::look_after(const metadata_image& image, step& next) {
  for (auto at = under_way_.begin(); at != under_way_.end();) {
    const auto* p = find(image, at->first);
    if (p != nullptr && is_moving(*p)) {
      const auto& to = at->second.to;
      if (std::any_of(to.begin(), to.end(), [&](node_id id) {
            return has_node(p->adding, id) && !nodes_.contains(id);
          })) {
        next.cancel.push_back(at->second);
        cancelled_.insert(at->first);
      }
      ++at;
      continue;
    }
    const bool arrived = p == nullptr || p->replicas == at->second.to;
    if (!arrived && cancelled_.erase(at->first) == 0)
      settled_ = true; // somebody does not want it, or it was refused
    if (p != nullptr && arrived && p->leader != p->replicas.front())
      next.elect.push_back(at->first);
    at = under_way_.erase(at);
  }
}

void auto_rebalance::go_on(const metadata_image& image, step& next) {
  std::vector<placed_partition> partitions;
  partitions.reserve(static_cast<size_t>(image.partition_count()));
  if (!place(image, partitions))
    return;
  const auto nodes = usable(image);
  const bool applies = options_.mode == rebalance_mode::apply;
  auto plan
    = plan_balance(nodes, partitions, applies ? options_.at_once : counted_max);
  if (!applies || plan.moves.empty()) {
    settled_ = true;
    next.planned = plan.moves.size();
    return;
  }
  for (const auto& move : plan.moves)
    under_way_[move.name] = move;
  next.start = std::move(plan.moves);
}

auto_rebalance::step auto_rebalance::look(
  const metadata_image& image, int64_t now_ms) {
  step next;
  if (options_.mode == rebalance_mode::off)
    return next;
  const bool changed = note_nodes(image, now_ms);
  look_after(image, next);
  if (!changed && !settled_ && under_way_.empty()
      && now_ms - since_ms_ >= options_.delay_ms)
    go_on(image, next);
  return next;
}

} // namespace millrace
