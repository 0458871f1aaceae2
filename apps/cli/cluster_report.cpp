#include "apps/cli/cluster_report.hpp"

#include "apps/cli/replica_mover.hpp"

#include <algorithm>

namespace millrace::cli {
namespace {

using client::partition_info;

constexpr int64_t counted_moves_max = 1000;

bool has(const std::vector<int32_t>& nodes, int32_t id) {
  return std::find(nodes.begin(), nodes.end(), id) != nodes.end();
}

class reporter {
public:
  explicit reporter(const cluster_facts& facts) : facts_(facts) {}

  cluster_report run() {
    for (const auto& topic : facts_.topics)
      for (const auto& p : topic.partitions)
        add(topic, p);
    std::stable_sort(report_.troubles.begin(), report_.troubles.end(),
      [](const auto& a, const auto& b) {
        return a.health > b.health;
      });
    return std::move(report_);
  }

private:
  void add(const client::topic_info& topic, const partition_info& p) {
    const auto health = health_of(topic, p);
    ++report_.partitions;
    ++report_.counts[health];
    if (health != partition_health::in_sync)
      report_.troubles.push_back({{topic.name, p.index}, health, p.leader,
        p.replicas, p.isr, why(topic, p, health)});
  }

  partition_health health_of(
    const client::topic_info& topic, const partition_info& p) const {
    if (p.leader < 0)
      return partition_health::offline;
    if (static_cast<int32_t>(p.isr.size()) < in_sync_min(topic))
      return partition_health::refuses_acks_all;
    return p.isr.size() < p.replicas.size() ? partition_health::under_replicated
                                            : partition_health::in_sync;
  }

  int32_t in_sync_min(const client::topic_info& topic) const {
    const auto at = facts_.in_sync_min.find(topic.name);
    return at == facts_.in_sync_min.end() ? 1 : at->second;
  }

  const client::known_node* find(int32_t id) const {
    for (const auto& node : facts_.nodes)
      if (node.id == id)
        return &node;
    return nullptr;
  }

  std::string state_of(int32_t id) const {
    const auto* node = find(id);
    const auto name = "node " + std::to_string(id);
    if (node == nullptr)
      return name + " is not registered";
    return name + (node->fenced ? " is down" : " is catching up");
  }

  std::string states_of(const std::vector<int32_t>& ids) const {
    std::string text;
    for (const auto id : ids)
      text += (text.empty() ? "" : ", ") + state_of(id);
    return text;
  }

  std::string why(const client::topic_info& topic, const partition_info& p,
    partition_health health) const {
    if (health == partition_health::offline)
      return why_offline(p);
    std::vector<int32_t> missing;
    for (const auto id : p.replicas)
      if (!has(p.isr, id))
        missing.push_back(id);
    const auto text = states_of(missing);
    if (health == partition_health::under_replicated)
      return text;
    return text + "; acks=all waits for " + std::to_string(in_sync_min(topic))
           + " in sync";
  }

  /// Whoever is in the ISR has every acknowledged record, unless its log was
  /// cut short.
  std::string why_offline(const partition_info& p) const {
    if (p.isr.empty())
      return "no replica is in sync";
    std::string up;
    std::vector<int32_t> away;
    for (const auto id : p.isr)
      if (const auto* node = find(id); node != nullptr && !node->fenced)
        up += (up.empty() ? "node " : ", node ") + std::to_string(id);
      else
        away.push_back(id);
    if (!up.empty())
      return away.empty()
               ? "a leader is being chosen"
               : up + " has had its log cut short by a crash; "
                   + states_of(away)
                   + (away.size() == 1 ? ": it must come back to compare with"
                                       : ": one of them must come back to "
                                         "compare with");
    return states_of(p.isr)
           + (p.isr.size() == 1 ? ": it alone has every acknowledged record"
                                : ": one of them must come back");
  }

  const cluster_facts& facts_;
  cluster_report report_;
};

std::string part_of(const client::quorum_state& quorum,
  const client::quorum_state::member& member) {
  if (member.id == quorum.leader)
    return "leads";
  return member.votes ? "votes" : "observes";
}

} // namespace

const char* to_string(partition_health health) {
  switch (health) {
  case partition_health::in_sync:
    return "in sync";
  case partition_health::under_replicated:
    return "under-replicated";
  case partition_health::refuses_acks_all:
    return "refuses acks=all";
  case partition_health::offline:
    return "offline";
  }
  return "";
}

bool cluster_report::serves() const {
  return !counts.contains(partition_health::offline)
         && !counts.contains(partition_health::refuses_acks_all);
}

std::vector<std::string> topics_in_trouble(
  const std::vector<client::topic_info>& topics) {
  std::vector<std::string> names;
  for (const auto& topic : topics)
    if (std::any_of(
          topic.partitions.begin(), topic.partitions.end(), [](const auto& p) {
            return p.isr.size() < p.replicas.size();
          }))
      names.push_back(topic.name);
  return names;
}

cluster_report report_on(const cluster_facts& facts) {
  return reporter{facts}.run();
}

int64_t moves_to_balance(const cluster_facts& facts) {
  const auto placed = placement_of(facts.nodes, facts.topics);
  return static_cast<int64_t>(
    plan_balance(placed.nodes, placed.partitions, counted_moves_max)
      .moves.size());
}

std::string balance_line(int64_t moves) {
  if (moves == 0)
    return "all nodes hold and lead about as many partitions";
  const bool more = moves == counted_moves_max;
  return std::to_string(moves) + (more ? " or more" : "")
         + (moves == 1 ? " partition" : " partitions")
         + " to be moved: millrace rebalance";
}

std::string quorum_line(const cluster_facts& facts) {
  if (!facts.quorum)
    return "no answer from whoever leads it: most of the voters are needed";
  std::string voters;
  for (const auto& m : facts.quorum->members)
    if (m.votes)
      voters += (voters.empty() ? "" : ", ") + std::to_string(m.id);
  return "node " + std::to_string(facts.quorum->leader) + " leads, epoch "
         + std::to_string(facts.quorum->epoch) + ", voters " + voters;
}

table nodes_table(const cluster_facts& facts) {
  struct counts {
    int64_t leads = 0;
    int64_t replicas = 0;
    int64_t behind = 0;
  };
  std::map<int32_t, counts> of;
  for (const auto& topic : facts.topics)
    for (const auto& p : topic.partitions) {
      if (p.leader >= 0)
        ++of[p.leader].leads;
      for (const auto id : p.replicas) {
        ++of[id].replicas;
        of[id].behind += has(p.isr, id) ? 0 : 1;
      }
    }
  table out{{"node", "address", "rack", "state", "metadata", "lag", "leads",
    "replicas", "behind"}};
  for (const auto& node : facts.nodes) {
    const auto& c = of[node.id];
    const auto* m = facts.quorum ? facts.quorum->find(node.id) : nullptr;
    out.add({int64_t{node.id}, node.address,
      node.rack.empty() ? cell{} : cell{node.rack},
      std::string{node.fenced ? "fenced" : "live"},
      m == nullptr ? cell{} : cell{part_of(*facts.quorum, *m)},
      m == nullptr ? cell{} : cell{m->lag}, c.leads, c.replicas, c.behind});
  }
  return out;
}

table troubles_table(const cluster_report& report) {
  table out{
    {"topic", "partition", "state", "leader", "replicas", "isr", "why"}};
  for (const auto& t : report.troubles)
    out.add({t.name.topic, int64_t{t.name.partition},
      std::string{to_string(t.health)},
      t.leader < 0 ? cell{} : cell{int64_t{t.leader}}, join_ids(t.replicas),
      join_ids(t.isr), t.why});
  return out;
}

} // namespace millrace::cli
