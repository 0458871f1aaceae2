#include "apps/cli/open_moves.hpp"

#include "apps/cli/move_progress.hpp"
#include "apps/cli/replica_mover.hpp"
#include "apps/client/throttle_admin.hpp"

namespace millrace::cli {
namespace {

template <class Moves>
std::set<topic_partition> names_of(const Moves& moves) {
  std::set<topic_partition> names;
  for (const auto& [name, move] : moves)
    names.insert(name);
  return names;
}

/// The live nodes are known from here on.
result<std::map<topic_partition, replica_move>> look(client::cluster& nodes) {
  if (auto topics = nodes.fetch_topics(std::vector<std::string>{}); !topics)
    return topics.error();
  return client::open_moves(nodes);
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
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto moves = look(**nodes);
  if (!moves)
    return report(moves.error());
  client::replica_sizes sizes;
  if (!moves->empty())
    sizes = client::find_replica_sizes(**nodes, names_of(*moves));
  print(open_moves_table(*moves, sizes).to_string(context.format()));
  return exit_ok;
}

int stop_open_moves(const command_context& context) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto moves = look(**nodes);
  if (!moves)
    return report(moves.error());
  std::vector<replica_move> all;
  std::set<std::string> topics;
  for (const auto& [name, move] : *moves) {
    all.push_back(move);
    topics.insert(name.topic);
  }
  std::map<topic_partition, std::string> left;
  if (!all.empty()) {
    auto cancelled = client::cancel_moves(**nodes, all);
    if (!cancelled)
      return report(cancelled.error());
    left = *cancelled;
    if (auto done = client::clear_throttle(**nodes, topics); !done)
      return report(done.error());
  }
  for (const auto& [name, why] : left)
    print(to_string(name) + ": " + why + "\n");
  print(std::to_string(all.size() - left.size()) + " moves stopped\n");
  return left.empty() ? exit_ok : exit_failed;
}

} // namespace millrace::cli
