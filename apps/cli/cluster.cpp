#include "apps/cli/cluster_report.hpp"
#include "apps/cli/command.hpp"
#include "apps/client/config_admin.hpp"

#include <algorithm>

namespace millrace::cli {
namespace {

constexpr int quorum_timeout_ms = 3000;

result<int32_t> in_sync_min(client::cluster& nodes, const std::string& topic) {
  auto configs = client::describe_configs(
    nodes, {client::config_resource::kind::topic, topic});
  if (!configs)
    return configs.error();
  for (const auto& c : *configs)
    if (c.name == "min.insync.replicas" && c.value)
      return static_cast<int32_t>(std::strtol(c.value->c_str(), nullptr, 10));
  return 1;
}

result<cluster_facts> facts_of(client::cluster& nodes) {
  cluster_facts facts;
  auto topics = nodes.fetch_topics(std::nullopt);
  if (!topics)
    return topics.error();
  facts.topics = std::move(*topics);
  auto known = client::list_nodes(nodes);
  if (!known)
    return known.error();
  facts.nodes = std::move(*known);
  // Nothing else of this needs the one that leads the metadata.
  if (auto quorum = client::describe_quorum(nodes, quorum_timeout_ms))
    facts.quorum = std::move(*quorum);
  for (const auto& topic : topics_in_trouble(facts.topics)) {
    auto minimum = in_sync_min(nodes, topic);
    if (minimum)
      facts.in_sync_min[topic] = *minimum;
    else if (minimum.error().code != errc::not_found) // deleted meanwhile
      return minimum.error();
  }
  return facts;
}

std::string count_line(const cluster_report& report) {
  std::string text = std::to_string(report.partitions);
  for (const auto& [health, count] : report.counts)
    text += ", " + std::to_string(count) + " " + to_string(health);
  return text;
}

int status(const command_context& context) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto facts = facts_of(**nodes);
  if (!facts)
    return report(facts.error());
  const auto found = report_on(*facts);
  const int code = found.serves() ? exit_ok : exit_failed;
  if (context.format() == output_format::json) {
    print("{\"cluster\":" + quote_json((*nodes)->cluster_id())
          + ",\"metadata\":" + quote_json(quorum_line(*facts))
          + ",\"partitions\":" + std::to_string(found.partitions)
          + ",\"to_move\":" + std::to_string(moves_to_balance(*facts))
          + ",\"nodes\":" + nodes_table(*facts).to_json()
          + ",\"troubles\":" + troubles_table(found).to_json() + "}\n");
    return code;
  }
  print("cluster     " + (*nodes)->cluster_id() + "\nmetadata    "
        + quorum_line(*facts) + "\npartitions  " + count_line(found)
        + "\nbalance     " + balance_line(moves_to_balance(*facts)) + "\n\n"
        + nodes_table(*facts).to_text());
  if (!found.troubles.empty())
    print("\n" + troubles_table(found).to_text());
  return code;
}

constexpr const char* status_footer = R"(
Asks any node which others there are, live or fenced (down, or not yet caught
up), and lists the partitions that are not as they should be, with the reason.
The exit code is 1 if something cannot be read, or not be written by acks=all.

Examples:
  millrace cluster status
  millrace cluster status -b host1:9092,host2:9092 -o json)";

} // namespace

void add_cluster(CLI::App& parent, command_context& context) {
  auto& command
    = *parent.add_subcommand("cluster", "Look after the nodes of a cluster");
  command.require_subcommand(1);
  auto& look = *command.add_subcommand(
    "status", "Which nodes there are, and what is wrong and why");
  add_server_options(look, context);
  add_output_option(look, context);
  look.footer(status_footer);
  set_action(look, context, [&context] {
    return status(context);
  });
  add_cluster_members(command, context);
  add_cluster_moves(command, context);
  add_cluster_cert(command, context);
  add_cluster_token(command, context);
}

} // namespace millrace::cli
