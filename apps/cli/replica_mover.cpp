#include "apps/cli/replica_mover.hpp"

#include "apps/cli/interrupt.hpp"
#include "apps/cli/move_progress.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace millrace::cli {
namespace {

constexpr auto poll_period = std::chrono::milliseconds{100};

/// A node that is asked where replicas are may hear of it so much later.
constexpr int64_t hearsay_ms = 5000;

/// Until none of `batch` is on the move.
result<void> await(client::cluster& nodes,
  const std::vector<replica_move>& batch, move_progress& progress) {
  while (true) {
    auto open = client::open_moves(nodes);
    if (!open)
      return open.error();
    if (std::none_of(batch.begin(), batch.end(), [&](const auto& move) {
          return open->contains(move.name);
        }))
      return {};
    progress.show(batch);
    std::this_thread::sleep_for(poll_period);
  }
}

/// Those of `batch` whose replicas are where they were to go.
result<std::vector<replica_move>> arrived(
  client::cluster& nodes, const std::vector<replica_move>& batch) {
  const auto until_ms = client::steady_ms() + hearsay_ms;
  while (true) {
    auto placed = placement_of(nodes);
    if (!placed)
      return placed.error();
    std::map<topic_partition, std::vector<node_id>> now;
    for (auto& p : placed->partitions)
      now[p.name] = std::move(p.replicas);
    std::vector<replica_move> there;
    for (const auto& move : batch)
      // A topic may have been deleted meanwhile.
      if (const auto at = now.find(move.name);
        at == now.end() || at->second == move.to)
        there.push_back(move);
    if (there.size() == batch.size() || client::steady_ms() >= until_ms)
      return there;
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
  return placement_of(*known, *topics);
}

placed_cluster placement_of(const std::vector<client::known_node>& nodes,
  const std::vector<client::topic_info>& topics) {
  placed_cluster placed;
  for (const auto& node : nodes)
    if (!node.fenced)
      placed.nodes.push_back({node_id{node.id},
        node.rack.empty() ? std::nullopt : std::optional{node.rack}});
  for (const auto& topic : topics)
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
  move_progress progress{nodes, moves};
  for (size_t i = 0; i < moves.size() && !interrupted() && made.cancelled == 0;
    i += at_once) {
    const std::vector<replica_move> some{
      moves.begin() + static_cast<ptrdiff_t>(i),
      moves.begin()
        + static_cast<ptrdiff_t>(std::min(i + at_once, moves.size()))};
    auto refused = client::start_moves(nodes, some);
    if (!refused)
      return refused.error();
    std::vector<replica_move> batch;
    for (const auto& move : some)
      if (!refused->contains(move.name))
        batch.push_back(move);
    made.refused.merge(*refused);
    if (auto done = await(nodes, batch, progress); !done)
      return done.error();
    auto there = arrived(nodes, batch);
    if (!there)
      return there.error();
    // Nobody else has to lead it for the move's sake, where it cannot lead.
    if (auto led = client::elect_preferred(nodes, names_of(*there)); !led)
      return led.error();
    made.done += there->size();
    made.cancelled += batch.size() - there->size();
    progress.finish(*there);
  }
  return made;
}

std::string join_ids(const std::vector<int32_t>& ids) {
  std::string out;
  for (const auto id : ids)
    out += (out.empty() ? "" : ",") + std::to_string(id);
  return out;
}

std::string join_ids(const std::vector<node_id>& ids) {
  std::vector<int32_t> values;
  for (const auto id : ids)
    values.push_back(id.value);
  return join_ids(values);
}

table moves_table(const move_plan& plan) {
  table out{{"topic", "partition", "from", "to", "copies"}};
  for (const auto& move : plan.moves)
    out.add({move.name.topic, int64_t{move.name.partition}, join_ids(move.from),
      join_ids(move.to), move.copies_data()});
  return out;
}

} // namespace millrace::cli
