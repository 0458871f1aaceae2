#include "apps/cli/command.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/open_moves.hpp"
#include "apps/cli/replica_mover.hpp"
#include "apps/client/throttle_admin.hpp"

namespace millrace::cli {
namespace {

struct move_options {
  int32_t node = 0;
  bool only_plan = false;
  bool apply = false;
  bool status = false;
  bool pause = false;
  size_t at_once = 20;
  std::optional<int64_t> throttle; ///< bytes a second
};

/// For a cluster's facts, the moves.
using planner = std::function<move_plan(const placed_cluster&)>;

std::set<std::string> topics_of(const std::vector<replica_move>& moves) {
  std::set<std::string> topics;
  for (const auto& move : moves)
    topics.insert(move.name.topic);
  return topics;
}

/// Under a throttle, if there is to be one; it is taken off in any case.
result<moves_made> move_throttled(
  client::cluster& nodes, const move_plan& plan, const move_options& options) {
  if (!options.throttle || plan.moves.empty())
    return move_replicas(nodes, plan.moves, options.at_once);
  if (auto set = client::set_throttle(nodes, plan.moves, *options.throttle);
    !set)
    return set.error();
  auto moved = move_replicas(nodes, plan.moves, options.at_once);
  if (auto cleared = client::clear_throttle(nodes, topics_of(plan.moves));
    !cleared)
    return cleared.error();
  return moved;
}

int carry_out(
  client::cluster& nodes, const move_plan& plan, const move_options& options) {
  watch_for_interrupt();
  auto moved = move_throttled(nodes, plan, options);
  if (!moved)
    return report(moved.error());
  for (const auto& [name, why] : moved->refused)
    print(to_string(name) + ": " + why + "\n");
  if (moved->cancelled != 0)
    print(std::to_string(moved->cancelled)
          + " moves were stopped by somebody else\n");
  const auto left = plan.moves.size() - moved->done;
  print(std::to_string(moved->done) + " partitions moved"
        + (left == 0 ? "" : ", " + std::to_string(left) + " not") + "\n");
  return left == 0 ? exit_ok : exit_failed;
}

int plan_and_move(client::cluster& nodes, const command_context& context,
  const planner& plan_of, const move_options& options) {
  auto placed = placement_of(nodes);
  if (!placed)
    return report(placed.error());
  const auto plan = plan_of(*placed);
  if (options.only_plan) {
    print(moves_table(plan).to_string(context.format()));
    return exit_ok;
  }
  const auto code = carry_out(nodes, plan, options);
  for (const auto& name : plan.stuck)
    print(to_string(name) + ": no other node can take its place\n");
  return plan.stuck.empty() ? code : exit_failed;
}

/// Another one leads the metadata, if this node does.
result<void> hand_over_metadata(client::cluster& nodes, int32_t node) {
  auto quorum = client::describe_quorum(nodes, nodes.options().timeout_ms);
  if (!quorum)
    return quorum.error();
  if (quorum->leader != node)
    return {};
  return client::hand_over_metadata(nodes);
}

result<void> check_known(client::cluster& nodes, int32_t node) {
  auto known = client::list_nodes(nodes);
  if (!known)
    return known.error();
  for (const auto& one : *known)
    if (one.id == node)
      return {};
  return error{
    errc::not_found, "node " + std::to_string(node) + " is not in the cluster"};
}

int leave(const command_context& context, const move_options& options,
  move_plan (*plan)(std::span<const usable_broker>,
    const std::vector<placed_partition>&, node_id)) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  if (auto known = check_known(**nodes, options.node); !known)
    return report(known.error());
  if (!options.only_plan)
    if (auto done = hand_over_metadata(**nodes, options.node); !done)
      return report(done.error());
  return plan_and_move(
    **nodes, context,
    [&](const placed_cluster& placed) {
      return plan(placed.nodes, placed.partitions, node_id{options.node});
    },
    options);
}

/// What each replica has, as far as nodes tell: the biggest, where they differ.
void note_sizes(client::cluster& nodes, placed_cluster& placed) {
  const auto sizes = client::find_replica_sizes(nodes, std::nullopt);
  for (auto& p : placed.partitions)
    if (const auto at = sizes.find(p.name); at != sizes.end())
      for (const auto& [node, bytes] : at->second)
        p.bytes = std::max(p.bytes, bytes);
}

int rebalance(const command_context& context, move_options options) {
  if (options.status)
    return show_open_moves(context);
  if (options.pause)
    return stop_open_moves(context);
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  options.only_plan = !options.apply;
  return plan_and_move(
    **nodes, context,
    [&nodes](placed_cluster placed) {
      note_sizes(**nodes, placed);
      return plan_balance(placed.nodes, placed.partitions);
    },
    options);
}

constexpr const char* drain_footer = R"(
Other nodes get all of its replicas, and lead what it leads, the metadata too.
Where every other node has a replica already nobody can take its place: then
it only stops leading, the partition is named, and the exit code is 1. A few
partitions are moved at a time; Ctrl-C ends after those, and the same command
goes on later. It works for a node that is dead, too.

Examples:
  millrace cluster drain 3 --plan
  millrace cluster drain 3 --throttle 20000000)";

constexpr const char* transfer_footer = R"(
Others lead what the node leads, the metadata too; its data stays where it is.
For a node that is about to be stopped for a while. `millrace rebalance` gives
it its share again.

Example:
  millrace cluster transfer 3)";

constexpr const char* rebalance_footer = R"(
Moves replicas until every node holds about as many as the others, and is to
lead about as many; without --apply it only says what it would do. No partition
gets on fewer racks than it is on. Ctrl-C ends after the partitions that are on
the move, and the same command goes on later.

--status and --pause are about all moves that are under way, whoever has begun
them. --pause stops them: the partitions keep the replicas that they had, and
the command that moves them ends. --apply goes on later.

Examples:
  millrace rebalance
  millrace rebalance --apply --at-once 50 --throttle 20000000
  millrace rebalance --status
  millrace rebalance --pause)";

void add_common(
  CLI::App& command, command_context& context, move_options& options) {
  command
    .add_option(
      "--at-once", options.at_once, "Partitions on the move at a time")
    ->check(CLI::Range(1, 10'000))
    ->capture_default_str();
  command
    .add_option("--throttle", options.throttle,
      "Bytes a second that each node copies at most")
    ->check(CLI::Range(int64_t{1}, INT64_MAX));
  add_server_options(command, context);
  add_output_option(command, context);
}

} // namespace

void add_cluster_moves(CLI::App& parent, command_context& context) {
  auto options = make_options<move_options>();
  const auto add = [&](const std::string& name, const std::string& what,
                     const char* footer, auto plan) {
    auto& command = *parent.add_subcommand(name, what);
    command.add_option("node", options->node, "The node's number")->required();
    command.add_flag(
      "--plan", options->only_plan, "Say what would be moved, and do nothing");
    add_common(command, context, *options);
    command.footer(footer);
    set_action(command, context, [&context, options, plan] {
      return leave(context, *options, plan);
    });
  };
  add("drain", "Take all replicas away from a node", drain_footer, &plan_drain);
  add("transfer", "Let others lead what a node leads", transfer_footer,
    &plan_handover);
}

void add_rebalance(CLI::App& parent, command_context& context) {
  auto options = make_options<move_options>();
  auto& command = *parent.add_subcommand(
    "rebalance", "Spread replicas evenly over the nodes");
  auto& plan = *command.add_flag(
    "--plan", options->only_plan, "Say what would be moved (the default)");
  auto& apply = *command.add_flag("--apply", options->apply, "Move them")
                   ->excludes(&plan);
  auto& status = *command
                    .add_flag("--status", options->status,
                      "Say what is on the move, and how far it is")
                    ->excludes(&plan)
                    ->excludes(&apply);
  command.add_flag("--pause", options->pause, "Stop what is on the move")
    ->excludes(&plan)
    ->excludes(&apply)
    ->excludes(&status);
  add_common(command, context, *options);
  command.footer(rebalance_footer);
  set_action(command, context, [&context, options] {
    return rebalance(context, *options);
  });
}

} // namespace millrace::cli
