#include "apps/cli/command.hpp"
#include "apps/client/replica_admin.hpp"

#include <algorithm>

namespace millrace::cli {
namespace {

struct member_options {
  int32_t node = 0;
  bool only_vote = false;
};

std::string name_of(int32_t node) {
  return "node " + std::to_string(node);
}

error not_found(int32_t node) {
  return {errc::not_found, name_of(node)
                             + " is not in the cluster; start it first, with "
                               "the list of controllers that the others have"};
}

void tell_voters(client::cluster& nodes, const std::string& what) {
  auto quorum = client::describe_quorum(nodes);
  if (!quorum) {
    print(what + "; who votes now could not be asked: "
          + to_string(quorum.error()) + "\n");
    return;
  }
  std::string voters;
  int count = 0;
  for (const auto& m : quorum->members)
    if (m.votes) {
      voters += (voters.empty() ? "" : ", ") + std::to_string(m.id);
      ++count;
    }
  print(what + "; voters: " + voters + "\n");
  if (count % 2 == 0)
    print("An even number of voters survives no more losses than one fewer.\n");
}

int add(const command_context& context, const member_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto quorum = client::describe_quorum(**nodes);
  if (!quorum)
    return report(quorum.error());
  const auto* member = quorum->find(options.node);
  if (member == nullptr)
    return report(not_found(options.node));
  if (auto done = client::add_voter(**nodes, member->id, member->directory);
    !done)
    return report(done.error());
  tell_voters(**nodes, name_of(options.node) + " votes on the metadata");
  return exit_ok;
}

int take_vote(
  client::cluster& nodes, const client::quorum_state& quorum, int32_t node) {
  const auto* member = quorum.find(node);
  if (member == nullptr)
    return report(not_found(node));
  if (auto done = client::remove_voter(nodes, node, member->directory); !done)
    return report(done.error());
  tell_voters(nodes, name_of(node) + " has no vote any more");
  return exit_ok;
}

/// Why the node cannot be taken off the list, or nothing.
result<void> check_removal(client::cluster& nodes, int32_t node) {
  auto known = client::list_nodes(nodes);
  if (!known)
    return known.error();
  const auto at = std::find_if(known->begin(), known->end(), [&](auto& n) {
    return n.id == node;
  });
  if (at == known->end())
    return not_found(node);
  const auto id = std::to_string(node);
  if (!at->fenced)
    return error{errc::io_error,
      "node " + id + " is up; take its replicas away (millrace cluster drain "
        + id + "), then stop it"};
  auto topics = nodes.fetch_topics(std::nullopt);
  if (!topics)
    return topics.error();
  int64_t replicas = 0;
  for (const auto& topic : *topics)
    for (const auto& p : topic.partitions)
      replicas += std::count(p.replicas.begin(), p.replicas.end(), node);
  if (replicas > 0)
    return error{errc::io_error,
      "node " + id + " has " + std::to_string(replicas)
        + " replicas; give them to others first (millrace cluster drain " + id
        + ")"};
  return {};
}

int remove(const command_context& context, const member_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto quorum = client::describe_quorum(**nodes);
  if (!quorum)
    return report(quorum.error());
  if (options.only_vote)
    return take_vote(**nodes, *quorum, options.node);
  if (auto can = check_removal(**nodes, options.node); !can)
    return report(can.error());
  const auto* member = quorum->find(options.node);
  if (member != nullptr && member->votes)
    if (const auto code = take_vote(**nodes, *quorum, options.node);
      code != exit_ok)
      return code;
  if (auto done = client::unregister_node(**nodes, options.node); !done)
    return report(done.error());
  print(name_of(options.node) + " is off the list\n");
  return exit_ok;
}

constexpr const char* add_footer = R"(
Gives a node that is in the cluster, and only observes the metadata so far, a
vote on it. Ends when the node has caught up and votes.

Example:
  millrace cluster add 4)";

constexpr const char* remove_footer = R"(
Takes a node off the list for good: its vote on the metadata and its
registration. The node has to be down and to hold no replicas: drain it first,
dead or alive. A node that is started again comes back.

Examples:
  millrace cluster drain 4 && ssh host4 systemctl stop millrace
  millrace cluster remove 4
  millrace cluster remove 3 --vote      it stays, and only observes)";

CLI::App& add_command(CLI::App& parent, command_context& context,
  const std::string& name, const std::string& what, member_options& options) {
  auto& command = *parent.add_subcommand(name, what);
  command.add_option("node", options.node, "The node's number")->required();
  add_server_options(command, context);
  return command;
}

} // namespace

void add_cluster_members(CLI::App& parent, command_context& context) {
  auto options = make_options<member_options>();
  auto& give = add_command(
    parent, context, "add", "Let a node vote on the metadata", *options);
  give.footer(add_footer);
  set_action(give, context, [&context, options] {
    return add(context, *options);
  });
  auto& take = add_command(
    parent, context, "remove", "Take a node off the list", *options);
  take.add_flag("--vote", options->only_vote, "Take its vote and nothing else");
  take.footer(remove_footer);
  set_action(take, context, [&context, options] {
    return remove(context, *options);
  });
}

} // namespace millrace::cli
