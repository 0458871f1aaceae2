#include "cluster/partition_settling.hpp"

#include "cluster/config_topic.hpp"
#include "schema/planted_bug.hpp"

#include <algorithm>

namespace millrace {

namespace {

replication_rules rules_in(const topic_config& config) {
  return {config.min_insync_replicas, config.unclean_leader_election,
    config.durability != durability_mode::os};
}

void lead_alone(partition_registration& p, node_id id) {
  p.leader = id;
  p.isr = {id};
}

/// An unclean election: what the others had and this one lacks is given up.
void lead_uncleanly(
  partition_registration& p, node_id id, const broker_standings& brokers) {
  lead_alone(p, id);
  p.eligible.clear();
  const auto& directories = brokers.directories_of(id);
  if (!p.directories.empty() && !directories.empty())
    p.directories[replica_index(p, id)] = directories.front();
}

/// Of those whose logs were cut, the one whose log goes furthest.
/// @param compared gets how many are there
const cut_replica* furthest_cut(const partition_registration& p,
  const broker_standings& brokers, size_t& compared) {
  const cut_replica* furthest = nullptr;
  compared = 0;
  for (const auto& cut : p.cut_short) {
    if (!can_lead(p, cut.id, brokers))
      continue;
    ++compared;
    if (furthest == nullptr
        || std::pair{cut.last_epoch, cut.end}
             > std::pair{furthest->last_epoch, furthest->end})
      furthest = &cut;
  }
  return furthest;
}

/// Whom an operator would choose: rather one that may lack something than one
/// that has been away.
node_id least_unclean(
  const partition_registration& p, const broker_standings& brokers) {
  size_t compared = 0;
  if (const auto* furthest = furthest_cut(p, brokers, compared))
    return furthest->id;
  for (const auto* preferred : {&p.isr, &p.eligible, &p.replicas})
    for (const auto id : p.replicas)
      if (has_node(*preferred, id) && brokers.is_active(id))
        return id;
  return no_node;
}

/// A leader for a partition that has none that lives. Returns whether what
/// was committed may be lost with it.
bool elect(partition_registration& p, const broker_standings& brokers,
  const replication_rules& rules) {
  p.leader = no_node;
  for (const auto id : p.replicas)
    if (has_node(p.isr, id) && can_lead(p, id, brokers)
        && (find_cut(p, id) == nullptr
            || planted(bug::controller_ignores_cuts))) {
      p.leader = id;
      return false;
    }
  for (const auto id : p.replicas)
    if (has_node(p.eligible, id) && can_lead(p, id, brokers)) {
      lead_alone(p, id);
      return false;
    }
  // Two vouch for one another; one leads where nobody else may have more.
  size_t compared = 0;
  const auto* furthest = furthest_cut(p, brokers, compared);
  const bool all = compared == p.isr.size() && p.eligible.empty();
  if (furthest != nullptr && (compared > 1 || all)) {
    p.leader = furthest->id;
    return false;
  }
  if (!rules.unclean && !planted(bug::controller_elects_anyone))
    return false;
  const auto chosen = least_unclean(p, brokers);
  if (chosen == no_node)
    return false;
  lead_uncleanly(p, chosen, brokers);
  return true;
}

} // namespace

replication_rules_finder::replication_rules_finder(
  const metadata_image& image, const node_config& node)
    : image_(image), node_(node),
      defaults_(rules_in(effective_topic_config(config_map{}, image, node))) {}

replication_rules replication_rules_finder::of(
  const config_map& overrides) const {
  for (const char* name : {"min.insync.replicas",
         "unclean.leader.election.enable", "millrace.durability"})
    if (overrides.find(std::string_view{name}) != overrides.end())
      return rules_in(effective_topic_config(overrides, image_, node_));
  return defaults_;
}

bool has_node(const std::vector<node_id>& nodes, node_id id) {
  return std::find(nodes.begin(), nodes.end(), id) != nodes.end();
}

size_t replica_index(const partition_registration& partition, node_id id) {
  return static_cast<size_t>(
    std::find(partition.replicas.begin(), partition.replicas.end(), id)
    - partition.replicas.begin());
}

const cut_replica* find_cut(
  const partition_registration& partition, node_id id) {
  const auto& cut = partition.cut_short;
  const auto at = std::find_if(cut.begin(), cut.end(), [&](const auto& each) {
    return each.id == id;
  });
  return at == cut.end() ? nullptr : &*at;
}

void forget_cut(partition_registration& partition, node_id id) {
  std::erase_if(partition.cut_short, [id](const cut_replica& cut) {
    return cut.id == id;
  });
}

bool can_lead(const partition_registration& partition, node_id id,
  const broker_standings& brokers) {
  return brokers.is_active(id)
         && has_its_directory(partition, id, brokers.directories_of(id));
}

bool has_its_directory(const partition_registration& partition, node_id id,
  const std::vector<uuid>& directories) {
  const auto at = replica_index(partition, id);
  if (at >= partition.directories.size() || partition.directories[at].is_zero())
    return true; // nobody has said where it is
  return std::find(
           directories.begin(), directories.end(), partition.directories[at])
         != directories.end();
}

std::optional<partition_registration> settled(
  const partition_registration& partition, const broker_standings& brokers,
  const replication_rules& rules) {
  auto next = partition;
  const bool leader_lives
    = next.leader != no_node && brokers.is_active(next.leader);
  if (!leader_lives && elect(next, brokers, rules))
    return numbered(partition, std::move(next), {.min_isr = 1});
  if (next.leader != no_node && brokers.heard(next.leader))
    std::erase_if(next.isr, [&](node_id id) {
      return id != next.leader
             && (!can_lead(next, id, brokers) || find_cut(next, id) != nullptr);
    });
  return numbered(partition, std::move(next), rules);
}

std::optional<partition_registration> numbered(
  const partition_registration& before, partition_registration next,
  const replication_rules& rules) {
  if (next.isr != before.isr) {
    if (next.isr.size() >= static_cast<size_t>(std::max(rules.min_isr, 1)))
      next.eligible.clear();
    else
      for (const auto id : before.isr)
        if (!has_node(next.eligible, id) && find_cut(before, id) == nullptr)
          next.eligible.push_back(id);
    std::erase_if(next.eligible, [&](node_id id) {
      return has_node(next.isr, id) || !has_node(next.replicas, id);
    });
  }
  // Its log is what the others are measured by from now on.
  std::erase_if(next.cut_short, [&](const cut_replica& cut) {
    return cut.id == next.leader || !has_node(next.isr, cut.id);
  });
  if (next == before)
    return std::nullopt;
  next.epoch = before.epoch;
  if (next.leader != before.leader)
    ++next.epoch.value;
  next.partition_epoch = before.partition_epoch + 1;
  return next;
}

void lose_replica(
  partition_registration& partition, node_id id, bool for_good) {
  std::erase(partition.eligible, id);
  if (!has_node(partition.isr, id))
    return;
  if (partition.isr.size() > 1)
    std::erase(partition.isr, id);
  else if (for_good && !partition.directories.empty())
    partition.directories[replica_index(partition, id)] = lost_directory;
}

} // namespace millrace
