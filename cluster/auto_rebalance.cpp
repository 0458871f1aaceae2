#include "cluster/auto_rebalance.hpp"

#include "cluster/partition_settling.hpp"

#include <algorithm>
#include <optional>
#include <utility>

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

/// Which replicas may lead it at once.
std::vector<node_id> ready(
  const partition_registration& p, const std::set<node_id>& nodes) {
  std::vector<node_id> all;
  for (const auto id : p.isr)
    if (nodes.contains(id) && find_cut(p, id) == nullptr)
      all.push_back(id);
  return all;
}

/// What is told of each partition's load, by whoever leads it.
class known_loads {
public:
  explicit known_loads(const std::map<node_id, node_load>& nodes) {
    for (const auto& [id, load] : nodes) {
      for (const auto& p : load.heaviest)
        told_[{p.topic, p.partition}] = {id, p.rates.total()};
      // The others have no more than the last of them.
      rest_[id] = load.heaviest.size() < node_load::heaviest_max
                    ? 0
                    : load.heaviest.back().rates.total();
    }
  }

  void set(const uuid& topic, loaded_partition& p) const {
    const auto at = told_.find({topic, p.placed.name.partition});
    const auto rest = rest_.find(p.leader);
    if (at != told_.end()) {
      p.load = at->second.second;
      p.heavy = at->second.first == p.leader;
    } else if (rest != rest_.end()) {
      p.load = rest->second;
    }
  }

private:
  std::map<std::pair<uuid, int32_t>, std::pair<node_id, int64_t>> told_;
  std::map<node_id, int64_t> rest_;
};

/// None if somebody moves something.
std::optional<std::vector<loaded_partition>> weigh(const metadata_image& image,
  const std::set<node_id>& nodes, const known_loads& loads) {
  std::vector<loaded_partition> all;
  all.reserve(static_cast<size_t>(image.partition_count()));
  for (const auto& [name, topic] : image.topics())
    for (const auto& p : topic->partitions) {
      if (is_moving(p))
        return std::nullopt;
      auto& one = all.emplace_back(loaded_partition{
        {{name, p.index}, p.replicas}, p.leader, ready(p, nodes)});
      loads.set(topic->id, one);
    }
  return all;
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
  settled_ = stopped_ = false;
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
      settled_ = stopped_ = true; // somebody does not want it, or refused it
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

bool auto_rebalance::is_news(const cooling& plan) {
  const auto [at, fresh] = told_.try_emplace(plan.node, plan.found);
  return fresh || std::exchange(at->second, plan.found) != plan.found;
}

void auto_rebalance::cool(
  const metadata_image& image, int64_t now_ms, step& next) {
  const auto hot = heat_.look(nodes_, now_ms);
  std::erase_if(told_, [this](const auto& one) {
    return heat_.is_cool(one.first);
  });
  if (hot.empty())
    return;
  const auto partitions = weigh(image, nodes_, known_loads{heat_.loads()});
  if (!partitions)
    return;
  std::map<node_id, int64_t> loads;
  for (const auto id : nodes_)
    loads[id] = heat_.loads().at(id).rates.total();
  const bool applies = options_.mode == rebalance_mode::apply;
  for (auto& plan : plan_cooling(usable(image), loads, *partitions, hot)) {
    const bool does = applies && plan.found == cooling::outcome::helps;
    if (does) {
      for (const auto& move : plan.moves) {
        under_way_[move.name] = move;
        next.start.push_back(move);
      }
      next.elect.insert(next.elect.end(), plan.elect.begin(), plan.elect.end());
      told_.erase(plan.node);
    }
    if (does || is_news(plan))
      next.hot.push_back(std::move(plan));
  }
  if (!next.start.empty() || !next.elect.empty())
    heat_.begin_anew(now_ms);
}

auto_rebalance::step auto_rebalance::look(
  const metadata_image& image, int64_t now_ms) {
  step next;
  if (options_.mode == rebalance_mode::off)
    return next;
  const bool changed = note_nodes(image, now_ms);
  const bool moving = !under_way_.empty();
  look_after(image, next);
  // Other nodes carry something else then.
  if (changed || moving)
    heat_.begin_anew(now_ms);
  if (changed || !under_way_.empty())
    return next;
  if (!settled_ && now_ms - since_ms_ >= options_.delay_ms)
    go_on(image, next);
  else if (settled_ && !stopped_ && !moving)
    cool(image, now_ms, next);
  return next;
}

} // namespace millrace
