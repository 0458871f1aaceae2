#include "apps/cli/open_moves.hpp"

#include "apps/cli/move_progress.hpp"
#include "apps/cli/replica_mover.hpp"
#include "apps/client/throttle_admin.hpp"

namespace millrace::cli {
namespace {

/// The moves of a cluster that is connected.
struct look {
  std::unique_ptr<client::cluster> nodes;
  std::map<topic_partition, replica_move> moves;
};

result<look> look_at(const command_context& context) {
  auto nodes = connect(context);
  if (!nodes)
    return nodes.error();
  // The live nodes are known from here on.
  if (auto topics = (*nodes)->fetch_topics(std::vector<std::string>{}); !topics)
    return topics.error();
  auto moves = client::open_moves(**nodes);
  if (!moves)
    return moves.error();
  return look{std::move(*nodes), std::move(*moves)};
}

} // namespace

table open_moves_table(const std::map<topic_partition, replica_move>& moves,
  const client::replica_sizes& sizes) {
  table out{{"topic", "partition", "from", "to", "copied", "of"}};
  for (const auto& [name, move] : moves) {
    cell copied;
    cell whole;
    if (sizes.contains(name)) {
      copied = bytes_copied({move}, sizes);
      whole = bytes_to_copy({move}, sizes);
    }
    out.add({name.topic, int64_t{name.partition}, join_ids(move.from),
      join_ids(move.to), copied, whole});
  }
  return out;
}

int show_open_moves(const command_context& context) {
  auto found = look_at(context);
  if (!found)
    return report(found.error());
  std::set<topic_partition> names;
  for (const auto& [name, move] : found->moves)
    names.insert(name);
  client::replica_sizes sizes;
  if (!names.empty())
    sizes = client::find_replica_sizes(*found->nodes, names);
  print(open_moves_table(found->moves, sizes).to_string(context.format()));
  return exit_ok;
}

int stop_open_moves(const command_context& context) {
  auto found = look_at(context);
  if (!found)
    return report(found.error());
  std::vector<replica_move> all;
  std::set<std::string> topics;
  for (const auto& [name, move] : found->moves) {
    all.push_back(move);
    topics.insert(name.topic);
  }
  std::map<topic_partition, std::string> left;
  if (!all.empty()) {
    auto cancelled = client::cancel_moves(*found->nodes, all);
    if (!cancelled)
      return report(cancelled.error());
    left = *cancelled;
    if (auto done = client::clear_throttle(*found->nodes, topics); !done)
      return report(done.error());
  }
  for (const auto& [name, why] : left)
    print(to_string(name) + ": " + why + "\n");
  print(std::to_string(all.size() - left.size()) + " moves stopped\n");
  return left.empty() ? exit_ok : exit_failed;
}

} // namespace millrace::cli
