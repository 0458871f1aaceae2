#include "simulation/fault_atlas.hpp"

#include "actors/controller.hpp"
#include "cluster/partition_settling.hpp"
#include "simulation/actor_state.hpp"

namespace millrace {

namespace {

/// Of all but one, the image that knows most, or null.
const metadata_image* newest_image(sim_cluster& cluster, int32_t but) {
  const metadata_image* newest = nullptr;
  for (int32_t i = 0; i < cluster.size(); ++i) {
    if (i == but || !cluster.node(i).running())
      continue;
    const auto* s
      = state_of<controller_actor_state>(cluster.node(i).core().controller);
    if (s != nullptr
        && (newest == nullptr
            || s->image.applied_index() > newest->applied_index()))
      newest = &s->image;
  }
  return newest;
}

} // namespace

bool fault_atlas::may_damage(int32_t node) const {
  const auto* image = newest_image(cluster_, node);
  // Whoever is there may know less than what was known once.
  if (image == nullptr || image->applied_index() < known_index_)
    return false;
  known_index_ = image->applied_index();
  partitions_.forgive([image](const partition_invariants::key& k, node_id id) {
    const auto* p = image->find_partition(k.first, k.second);
    return p != nullptr && has_node(p->replicas, id);
  });
  if (partitions_.any_damaged())
    return false;
  const auto self = sim_cluster::id_of(node);
  const auto is_other = [self](node_id id) {
    return id != self;
  };
  for (const auto& [name, topic] : image->topics())
    for (const auto& p : topic->partitions)
      if (has_node(p.replicas, self)
          && std::none_of(p.isr.begin(), p.isr.end(), is_other)
          && std::none_of(p.eligible.begin(), p.eligible.end(), is_other))
        return false;
  return true;
}

bool fault_atlas::may_wipe(int32_t node) const {
  return !cluster_.is_voter(node) && may_damage(node);
}

void fault_atlas::damaged_where(
  int32_t node, const std::function<bool(const topic_partition&)>& concerns) {
  const auto* image = newest_image(cluster_, node);
  if (image == nullptr)
    return;
  for (const auto& [name, topic] : image->topics())
    for (const auto& p : topic->partitions)
      if (const topic_partition of{name, p.index};
        concerns(of) && has_node(p.replicas, sim_cluster::id_of(node)))
        partitions_.damaged(node, of, topic->id);
}

void fault_atlas::damaged(int32_t node, const std::string& log) {
  partitions_.damaged(node, log);
}

void fault_atlas::wiped(int32_t node) {
  partitions_.damaged(node, {}); // more than some image may know of
  damaged_where(node, [](const topic_partition&) {
    return true;
  });
}

} // namespace millrace
