#include "apps/cli/command.hpp"
#include "apps/cli/offset_spec.hpp"
#include "apps/cli/reset_plan.hpp"
#include "apps/client/group_admin.hpp"
#include "apps/client/positions.hpp"

#include <ctime>

namespace millrace::cli {
namespace {

struct group_options {
  std::string group;
  std::vector<std::string> groups;
  bool members = false;
  std::vector<std::string> topics;
  std::vector<int32_t> partitions;
  std::string to;
  int64_t shift_by = 0;
  bool dry_run = false;
};

int list(const command_context& context) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto groups = client::list_groups(**nodes);
  if (!groups)
    return report(groups.error());
  table out{{"group", "state", "type"}};
  for (const auto& g : *groups)
    out.add({g.group, g.state, g.protocol_type});
  print(out.to_string(context.format()));
  return exit_ok;
}

table members_of(const client::group_info& group) {
  table out{{"member", "instance", "client", "host", "partitions"}};
  for (const auto& m : group.members) {
    std::string partitions;
    for (const auto& tp : m.assignment)
      partitions += (partitions.empty() ? "" : " ") + to_string(tp);
    out.add({m.member_id, m.instance_id, m.client_id, m.host, partitions});
  }
  return out;
}

/// Committed offset, end and lag of each partition that the group reads.
result<table> lags_of(client::cluster& nodes, const client::group_info& group) {
  auto committed = client::all_committed(nodes, group.group);
  if (!committed)
    return committed.error();
  std::map<topic_partition, const client::group_member_info*> readers;
  for (const auto& [tp, offset] : *committed)
    readers[tp] = nullptr;
  for (const auto& m : group.members)
    for (const auto& tp : m.assignment)
      readers[tp] = &m;
  std::vector<topic_partition> partitions;
  for (const auto& [tp, reader] : readers)
    partitions.push_back(tp);
  auto ends = client::find_offsets(nodes, partitions, client::latest_timestamp);
  // The topics of an old group may be gone; its offsets are still to be seen.
  if (!ends && ends.error().code != errc::not_found)
    return ends.error();
  table out{
    {"topic", "partition", "committed", "end", "lag", "client", "member"}};
  for (const auto& [tp, reader] : readers) {
    const auto at = committed->find(tp);
    const bool has = at != committed->end();
    const bool known = ends.ok() && ends->contains(tp);
    const int64_t end = known ? ends->at(tp) : -1;
    out.add({tp.topic, int64_t{tp.partition}, has ? cell{at->second} : cell{},
      known ? cell{end} : cell{},
      has && known ? cell{std::max<int64_t>(0, end - at->second)} : cell{},
      reader ? cell{reader->client_id} : cell{},
      reader ? cell{reader->member_id} : cell{}});
  }
  return out;
}

int describe(const command_context& context, const group_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto group = client::describe_group(**nodes, options.group);
  if (!group)
    return report(group.error());
  auto rows = options.members ? result<table>{members_of(*group)}
                              : lags_of(**nodes, *group);
  if (!rows)
    return report(rows.error());
  if (context.format() == output_format::json) {
    print("{\"group\":" + quote_json(group->group)
          + ",\"state\":" + quote_json(group->state)
          + ",\"assignor\":" + quote_json(group->protocol) + ",\""
          + (options.members ? "members" : "partitions")
          + "\":" + rows->to_json() + "}\n");
    return exit_ok;
  }
  print("group     " + group->group + "\nstate     " + group->state
        + "\nassignor  " + (group->protocol.empty() ? "-" : group->protocol)
        + "\nmembers   " + std::to_string(group->members.size()) + "\n\n");
  print(rows->to_text());
  return exit_ok;
}

/// Local time is what clocks on walls and logs show.
std::string clock_text(int64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  const auto size
    = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return {text, size};
}

int explain(const command_context& context, const group_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto rebalances = client::explain_group(**nodes, options.group);
  if (!rebalances)
    return report(rebalances.error());
  const bool json = context.format() == output_format::json;
  table out{{"started", "epoch", "ms", "member", "reason"}};
  for (const auto& r : *rebalances)
    out.add({json ? cell{r.started_ms} : cell{clock_text(r.started_ms)},
      int64_t{r.epoch}, r.duration_ms < 0 ? cell{} : cell{r.duration_ms},
      r.member_id.empty() ? cell{} : cell{r.member_id}, r.reason});
  if (rebalances->empty() && !json)
    print("no rebalance since the group's coordinator has started\n");
  else
    print(out.to_string(context.format()));
  return exit_ok;
}

int remove(const command_context& context, const group_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  for (const auto& name : options.groups) {
    if (auto gone = client::delete_group(**nodes, name); !gone)
      return report(gone.error());
    print("deleted group '" + name + "'\n");
  }
  return exit_ok;
}

/// The partitions that --topic and --partition name; without --topic those
/// for which the group has committed.
result<std::vector<topic_partition>> chosen(
  client::cluster& nodes, const group_options& options) {
  std::vector<topic_partition> partitions;
  if (options.topics.empty()) {
    auto committed = client::all_committed(nodes, options.group);
    if (!committed)
      return committed.error();
    for (const auto& [tp, offset] : *committed)
      partitions.push_back(tp);
    if (partitions.empty())
      return error{errc::not_found,
        "group '" + options.group
          + "' has committed no offsets; name topics with --topic"};
    return partitions;
  }
  for (const auto& name : options.topics) {
    auto topic = nodes.fetch_topic(name);
    if (!topic)
      return topic.error();
    for (const auto& p : topic->partitions) {
      const auto& only = options.partitions;
      if (only.empty()
          || std::find(only.begin(), only.end(), p.index) != only.end())
        partitions.push_back({topic->name, p.index});
    }
  }
  if (partitions.empty())
    return error{errc::not_found, "there are no such partitions"};
  return partitions;
}

int reset(const command_context& context, const group_options& options) {
  if (options.to.empty() == (options.shift_by == 0))
    return report_usage("say where to: either --to or --shift-by");
  auto to = parse_offset_spec(options.to.empty() ? "stored" : options.to);
  if (!to)
    return report(to.error());
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto partitions = chosen(**nodes, options);
  if (!partitions)
    return report(partitions.error());
  auto plan
    = plan_reset(**nodes, options.group, *partitions, *to, options.shift_by);
  if (!plan)
    return report(plan.error());
  if (!options.dry_run) {
    // Only a group without members may be set: theirs would be undone.
    auto done = client::set_committed(**nodes, options.group, *plan);
    if (!done)
      return report(done.error());
  }
  table out{{"topic", "partition", "offset"}};
  for (const auto& [tp, offset] : *plan)
    out.add({tp.topic, int64_t{tp.partition}, offset});
  print(out.to_string(context.format()));
  return exit_ok;
}

int forget(const command_context& context, const group_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto partitions = chosen(**nodes, options);
  if (!partitions)
    return report(partitions.error());
  auto done = client::delete_committed(**nodes, options.group, *partitions);
  if (!done)
    return report(done.error());
  print("deleted " + std::to_string(partitions->size()) + " offsets of group '"
        + options.group + "'\n");
  return exit_ok;
}

void add_choice(CLI::App& command, group_options& options) {
  command.add_option("GROUP", options.group, "The group")->required();
  command.add_option("-t,--topic", options.topics, "A topic; may be repeated")
    ->allow_extra_args(false);
  command
    .add_option("-p,--partition", options.partitions,
      "Only this partition of the topics; may be repeated")
    ->allow_extra_args(false)
    ->needs("--topic");
}

void add_offset_commands(CLI::App& group, command_context& context) {
  auto options = make_options<group_options>();
  auto* command = group.add_subcommand(
    "reset-offsets", "Set where a group without members goes on reading");
  add_choice(*command, *options);
  command->add_option("--to", options->to,
    "beginning, end, an offset N, -N before the end, or @TIME");
  command->add_option("--shift-by", options->shift_by,
    "Move by this many records, forwards or backwards");
  command->add_flag(
    "--dry-run", options->dry_run, "Only show what would be set");
  add_server_options(*command, context);
  add_output_option(*command, context);
  command->footer(R"(
Without --topic all partitions that the group has committed are set.
Offsets outside a log become its beginning or its end.

Examples:
  millrace group reset-offsets billing --topic orders --to beginning
  millrace group reset-offsets billing --to @2024-05-01T12:00:00Z --dry-run
  millrace group reset-offsets billing --shift-by -100)");
  set_action(*command, context, [&context, options] {
    return reset(context, *options);
  });

  command = group.add_subcommand(
    "delete-offsets", "Forget offsets, so that the group starts anew");
  add_choice(*command, *options);
  add_server_options(*command, context);
  command->footer(
    "\nExample:\n  millrace group delete-offsets billing -t orders");
  set_action(*command, context, [&context, options] {
    return forget(context, *options);
  });
}

} // namespace

void add_group(CLI::App& parent, command_context& context) {
  auto* group = parent.add_subcommand(
    "group", "List, describe, explain, reset, delete consumer groups");
  group->require_subcommand(1);
  auto options = make_options<group_options>();

  auto* command = group->add_subcommand("list", "List the groups");
  add_server_options(*command, context);
  add_output_option(*command, context);
  command->footer("\nExample:\n  millrace group list");
  set_action(*command, context, [&context] {
    return list(context);
  });

  command = group->add_subcommand(
    "describe", "Show a group's offsets and lag, or its members");
  command->add_option("GROUP", options->group, "The group")->required();
  command->add_flag(
    "-m,--members", options->members, "Show members and what they read");
  add_server_options(*command, context);
  add_output_option(*command, context);
  command->footer(R"(
Examples:
  millrace group describe billing
  millrace group describe billing --members -o json)");
  set_action(*command, context, [&context, options] {
    return describe(context, *options);
  });

  command = group->add_subcommand(
    "explain", "Show why a group has rebalanced lately");
  command->add_option("GROUP", options->group, "The group")->required();
  add_server_options(*command, context);
  add_output_option(*command, context);
  command->footer(R"(
Each line is one rebalance: when it began, the epoch (or generation) that began
with it, how many milliseconds it took until every member had its partitions,
who caused it, and how. One that still goes on has no duration. The list
begins anew when another node becomes the group's coordinator.

Example:
  millrace group explain billing)");
  set_action(*command, context, [&context, options] {
    return explain(context, *options);
  });

  command = group->add_subcommand("delete", "Delete groups without members");
  command->add_option("GROUP", options->groups, "The groups")->required();
  add_server_options(*command, context);
  command->footer("\nExample:\n  millrace group delete billing");
  set_action(*command, context, [&context, options] {
    return remove(context, *options);
  });

  add_offset_commands(*group, context);
}

} // namespace millrace::cli
