#include "simulation/fault_atlas.hpp"

#include "actors/consensus.hpp"
#include "actors/controller.hpp"
#include "cluster/partition_settling.hpp"
#include "cluster/raft_quorum.hpp"
#include "simulation/actor_state.hpp"

namespace millrace {

namespace {

/// The image that knows most, or null.
const metadata_image* newest_image(sim_cluster& cluster) {
  const metadata_image* newest = nullptr;
  for (int32_t i = 0; i < cluster.size(); ++i) {
    if (!cluster.node(i).running())
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

/// Of the metadata, of all nodes that run.
std::vector<const raft_core*> running_cores(sim_cluster& cluster) {
  std::vector<const raft_core*> cores;
  for (int32_t i = 0; i < cluster.size(); ++i) {
    if (!cluster.node(i).running())
      continue;
    const auto* s = state_of<consensus_state>(cluster.node(i).core().consensus);
    if (s != nullptr && s->core != nullptr)
      cores.push_back(s->core.get());
  }
  return cores;
}

/// The one that knows of most that is committed, or null.
const raft_core* newest_core(sim_cluster& cluster) {
  const auto cores = running_cores(cluster);
  const auto newest = std::max_element(
    cores.begin(), cores.end(), [](const raft_core* a, const raft_core* b) {
      return a->committed() < b->committed();
    });
  return newest == cores.end() ? nullptr : *newest;
}

} // namespace

bool fault_atlas::may_damage(int32_t node) const {
  const auto* image = newest_image(cluster_);
  // Whoever is there may know less than what is so.
  if (image == nullptr
      || image->applied_index() < static_cast<int64_t>(metadata_.committed()))
    return false;
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

/// Whether the group has the last node that was wiped as what it is now.
bool fault_atlas::has_returned() const {
  if (!comes_back_)
    return true;
  const auto* core = newest_core(cluster_);
  if (core == nullptr)
    return false;
  const auto members = members_of(core->configuration_at(core->committed()));
  bool is_there = false;
  for (const auto& m : members) {
    if (lost_.contains(m))
      return false;
    is_there = is_there || m.node == *comes_back_;
  }
  return is_there;
}

bool fault_atlas::may_wipe(int32_t node) const {
  if (!may_damage(node) || !has_returned())
    return false;
  const auto self = sim_cluster::id_of(node);
  const auto do_without = [&](const std::vector<raft_member>& voters) {
    const auto whole
      = std::count_if(voters.begin(), voters.end(), [&](const raft_member& m) {
          return m.node != self && !lost_.contains(m);
        });
    return voters.empty() || static_cast<size_t>(whole) * 2 > voters.size();
  };
  const auto cores = running_cores(cluster_);
  return !cores.empty()
         && std::all_of(cores.begin(), cores.end(), [&](const raft_core* core) {
              const auto& now = core->configuration();
              const auto& before = core->configuration_at(core->committed());
              return do_without(now.voters) && do_without(now.outgoing)
                     && do_without(before.voters)
                     && do_without(before.outgoing);
            });
}

void fault_atlas::damaged(int32_t node, const std::string& log) {
  partitions_.damaged(node, log);
}

void fault_atlas::wiped(int32_t node) {
  const auto self = sim_cluster::id_of(node);
  bool voted = false;
  for (const auto* core : running_cores(cluster_))
    for (const auto& m : members_of(core->configuration()))
      if (m.node == self) {
        lost_.insert(m);
        voted = voted || is_voter(core->configuration(), m);
      }
  comes_back_ = self;
  wiped_voters_ += voted ? 1 : 0;
  partitions_.wiped(node);
  // It may have had replicas that no invariant has seen yet.
  if (const auto* image = newest_image(cluster_))
    for (const auto& [name, topic] : image->topics())
      for (const auto& p : topic->partitions)
        if (has_node(p.replicas, sim_cluster::id_of(node)))
          partitions_.damaged(node, {name, p.index}, topic->id);
}

} // namespace millrace
