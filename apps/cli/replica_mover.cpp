#include "apps/cli/replica_mover.hpp"

#include "apps/cli/interrupt.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

namespace millrace::cli {
namespace {

constexpr auto poll_period = std::chrono::milliseconds{100};

std::string join(const std::vector<node_id>& ids) {
  std::string out;
  for (const auto id : ids)
    out += (out.empty() ? "" : ",") + std::to_string(id.value);
  return out;
}

/// A line on a terminal that says how far it has come.
void show(size_t done, size_t total) {
  if (::isatty(STDERR_FILENO) == 1)
    std::fprintf(stderr, "\rmoved %zu of %zu\033[K%s", done, total,
      done == total ? "\n" : "");
}

/// Until none of `batch` is on the move.
result<void> await(
  client::cluster& nodes, const std::set<topic_partition>& batch) {
  while (true) {
    auto open = client::moving(nodes);
    if (!open)
      return open.error();
    bool any = false;
    for (const auto& name : batch)
      any = any || open->contains(name);
    if (!any)
      return {};
    std::this_thread::sleep_for(poll_period);
  }
}

} // namespace

result<placed_cluster> placement_of(client::cluster& nodes) {
  auto known = client::list_nodes(nodes);
  if (!known)
    return known.error();
  auto topics = nodes.fetch_topics(std::nullopt);
  if (!topics)
    return topics.error();
  placed_cluster placed;
  for (const auto& node : *known)
    if (!node.fenced)
      placed.nodes.push_back({node_id{node.id},
        node.rack.empty() ? std::nullopt : std::optional{node.rack}});
  for (const auto& topic : *topics)
    for (const auto& p : topic.partitions) {
      auto& one = placed.partitions.emplace_back(
        placed_partition{{topic.name, p.index}, {}});
      for (const auto id : p.replicas)
        one.replicas.push_back(node_id{id});
    }
  return placed;
}

result<moves_made> move_replicas(client::cluster& nodes,
  const std::vector<replica_move>& moves, size_t at_once) {
  moves_made made;
  for (size_t i = 0; i < moves.size() && !interrupted(); i += at_once) {
    const std::vector<replica_move> some{
      moves.begin() + static_cast<ptrdiff_t>(i),
      moves.begin()
        + static_cast<ptrdiff_t>(std::min(i + at_once, moves.size()))};
    auto refused = client::start_moves(nodes, some);
    if (!refused)
      return refused.error();
    std::set<topic_partition> batch;
    for (const auto& move : some)
      if (!refused->contains(move.name))
        batch.insert(move.name);
    made.refused.merge(*refused);
    if (auto done = await(nodes, batch); !done)
      return done.error();
    // Nobody else has to lead it for the move's sake, where it cannot lead.
    if (auto led = client::elect_preferred(nodes, batch); !led)
      return led.error();
    made.done += batch.size();
    show(made.done, moves.size());
  }
  return made;
}

table moves_table(const move_plan& plan) {
  table out{{"topic", "partition", "from", "to", "copies"}};
  for (const auto& move : plan.moves)
    out.add({move.name.topic, int64_t{move.name.partition}, join(move.from),
      join(move.to), move.copies_data()});
  return out;
}

} // namespace millrace::cli
