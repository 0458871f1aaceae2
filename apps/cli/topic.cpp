#include "apps/cli/command.hpp"
#include "apps/cli/pairs.hpp"
#include "apps/client/config_admin.hpp"
#include "apps/client/positions.hpp"
#include "apps/client/topic_admin.hpp"

#include <nlohmann/json.hpp>

namespace millrace::cli {
namespace {

struct topic_options {
  std::string topic;
  std::vector<std::string> topics;
  client::new_topic fresh;
  std::vector<std::string> configs;
  bool if_not_exists = false;
  bool if_exists = false;
  bool validate_only = false;
  bool internal = false;
  int32_t total = 0;
  std::vector<int32_t> partitions;
  int64_t before = -1;
};

int list(const command_context& context, const topic_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto topics = (*nodes)->fetch_topics(std::nullopt);
  if (!topics)
    return report(topics.error());
  table out{{"topic", "partitions", "replicas", "internal"}};
  for (const auto& topic : *topics) {
    if (topic.internal && !options.internal)
      continue;
    const auto replicas = topic.partitions.empty()
                            ? size_t{0}
                            : topic.partitions.front().replicas.size();
    out.add({topic.name, static_cast<int64_t>(topic.partitions.size()),
      static_cast<int64_t>(replicas), topic.internal});
  }
  print(out.to_string(context.format()));
  return exit_ok;
}

int create(const command_context& context, topic_options& options) {
  auto configs = parse_pairs(options.configs);
  if (!configs)
    return report(configs.error());
  options.fresh.configs = std::move(*configs);
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  for (const auto& name : options.topics) {
    options.fresh.name = name;
    auto made
      = client::create_topic(**nodes, options.fresh, options.validate_only);
    if (!made && made.error().code == errc::already_exists
        && options.if_not_exists)
      continue;
    if (!made)
      return report(made.error());
    if (options.validate_only)
      print("topic '" + name + "' could be created\n");
    else
      print("created topic '" + name + "'\n");
  }
  return exit_ok;
}

int remove(const command_context& context, const topic_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  for (const auto& name : options.topics) {
    auto gone = client::delete_topic(**nodes, name);
    if (!gone && gone.error().code == errc::not_found && options.if_exists)
      continue;
    if (!gone)
      return report(gone.error());
    print("deleted topic '" + name + "'\n");
  }
  return exit_ok;
}

std::string join(const std::vector<int32_t>& ids) {
  std::string out;
  for (auto id : ids)
    out += (out.empty() ? "" : ",") + std::to_string(id);
  return out;
}

/// Where each partition's log begins and ends.
result<std::pair<std::map<topic_partition, int64_t>,
  std::map<topic_partition, int64_t>>>
bounds_of(client::cluster& nodes, const client::topic_info& topic) {
  std::vector<topic_partition> partitions;
  for (const auto& p : topic.partitions)
    if (p.leader >= 0)
      partitions.push_back({topic.name, p.index});
  auto starts
    = client::find_offsets(nodes, partitions, client::earliest_timestamp);
  if (!starts)
    return starts.error();
  auto ends = client::find_offsets(nodes, partitions, client::latest_timestamp);
  if (!ends)
    return ends.error();
  return std::pair{std::move(*starts), std::move(*ends)};
}

void print_head(const client::topic_info& topic,
  const std::vector<client::config_entry>& configs) {
  std::string set;
  for (const auto& c : configs)
    if (c.source == "topic")
      set += (set.empty() ? "" : " ") + c.name + "=" + c.value.value_or("");
  print("topic       " + topic.name + "\nid          " + to_string(topic.id)
        + "\npartitions  " + std::to_string(topic.partitions.size())
        + "\nconfigs     " + (set.empty() ? "(defaults)" : set) + "\n\n");
}

int describe(const command_context& context, const topic_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto topic = (*nodes)->fetch_topic(options.topic);
  if (!topic)
    return report(topic.error());
  auto bounds = bounds_of(**nodes, *topic);
  if (!bounds)
    return report(bounds.error());
  auto configs = client::describe_configs(
    **nodes, {client::config_resource::kind::topic, topic->name});
  if (!configs)
    return report(configs.error());
  table out{
    {"partition", "leader", "epoch", "replicas", "isr", "start", "end"}};
  for (const auto& p : topic->partitions) {
    const topic_partition tp{topic->name, p.index};
    const auto start = bounds->first.find(tp);
    const auto end = bounds->second.find(tp);
    const auto number = [](const auto& found, const auto& map) {
      return found == map.end() ? cell{} : cell{found->second};
    };
    out.add({int64_t{p.index}, p.leader < 0 ? cell{} : cell{int64_t{p.leader}},
      int64_t{p.leader_epoch}, join(p.replicas), join(p.isr),
      number(start, bounds->first), number(end, bounds->second)});
  }
  if (context.format() == output_format::table) {
    print_head(*topic, *configs);
    print(out.to_text());
    return exit_ok;
  }
  nlohmann::ordered_json whole;
  whole["topic"] = topic->name;
  whole["id"] = to_string(topic->id);
  whole["internal"] = topic->internal;
  whole["configs"] = nlohmann::ordered_json::object();
  for (const auto& c : *configs)
    if (c.source == "topic")
      whole["configs"][c.name] = c.value.value_or("");
  whole["partitions"] = nlohmann::ordered_json::parse(out.to_json());
  print(whole.dump(2) + "\n");
  return exit_ok;
}

int grow(const command_context& context, const topic_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto grown = client::add_partitions(**nodes, options.topic, options.total);
  if (!grown)
    return report(grown.error());
  print("topic '" + options.topic + "' has " + std::to_string(options.total)
        + " partitions\n");
  return exit_ok;
}

int trim(const command_context& context, const topic_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto topic = (*nodes)->fetch_topic(options.topic);
  if (!topic)
    return report(topic.error());
  std::map<topic_partition, int64_t> before;
  for (auto p : options.partitions)
    before[{topic->name, p}] = options.before;
  if (before.empty())
    for (const auto& p : topic->partitions)
      before[{topic->name, p.index}] = options.before;
  auto starts = client::delete_records(**nodes, before);
  if (!starts)
    return report(starts.error());
  table out{{"topic", "partition", "start"}};
  for (const auto& [tp, start] : *starts)
    out.add({tp.topic, int64_t{tp.partition}, start});
  print(out.to_string(context.format()));
  return exit_ok;
}

void add_create(CLI::App& topic, command_context& context) {
  auto options = make_options<topic_options>();
  auto* command = topic.add_subcommand("create", "Create topics");
  command->add_option("TOPIC", options->topics, "Names of the new topics")
    ->required();
  command
    ->add_option("-p,--partitions", options->fresh.partitions,
      "How many partitions; without it the server's num.partitions")
    ->check(CLI::PositiveNumber);
  command
    ->add_option("-r,--replicas", options->fresh.replication_factor,
      "Copies of each partition; without it the server's default")
    ->check(CLI::PositiveNumber);
  command
    ->add_option("-c,--config", options->configs,
      "A configuration of the topic, KEY=VALUE; may be repeated")
    ->type_name("KEY=VALUE")
    ->allow_extra_args(false);
  command->add_flag("--if-not-exists", options->if_not_exists,
    "No error where the topic exists");
  command->add_flag("--validate-only", options->validate_only,
    "Only say whether it would work");
  add_server_options(*command, context);
  command->footer(R"(
Examples:
  millrace topic create orders
  millrace topic create orders -p 12 -c retention.ms=86400000
  millrace topic create audit -c min.insync.replicas=2 -r 3)");
  set_action(*command, context, [&context, options] {
    return create(context, *options);
  });
}

void add_delete(CLI::App& topic, command_context& context) {
  auto options = make_options<topic_options>();
  auto* command
    = topic.add_subcommand("delete", "Delete topics and their records");
  command->add_option("TOPIC", options->topics, "Names of the topics")
    ->required();
  command->add_flag(
    "--if-exists", options->if_exists, "No error where there is no such topic");
  add_server_options(*command, context);
  command->footer("\nExample:\n  millrace topic delete orders");
  set_action(*command, context, [&context, options] {
    return remove(context, *options);
  });
}

void add_delete_records(CLI::App& topic, command_context& context) {
  auto options = make_options<topic_options>();
  auto* command = topic.add_subcommand(
    "delete-records", "Delete the oldest records of a topic");
  command->add_option("TOPIC", options->topic, "The topic")->required();
  command
    ->add_option("--before", options->before,
      "Delete what is below this offset; -1 = everything so far")
    ->capture_default_str();
  command
    ->add_option("-p,--partition", options->partitions,
      "Only this partition; may be repeated")
    ->allow_extra_args(false);
  add_server_options(*command, context);
  add_output_option(*command, context);
  command->footer(R"(
Examples:
  millrace topic delete-records orders --before 1000 -p 0
  millrace topic delete-records orders               (empties the topic))");
  set_action(*command, context, [&context, options] {
    return trim(context, *options);
  });
}

} // namespace

void add_topic(CLI::App& parent, command_context& context) {
  auto* topic
    = parent.add_subcommand("topic", "Create, list, change, delete topics");
  topic->require_subcommand(1);

  auto options = make_options<topic_options>();
  auto* listing = topic->add_subcommand("list", "List the topics");
  listing->add_flag(
    "--internal", options->internal, "Also the server's own topics");
  add_server_options(*listing, context);
  add_output_option(*listing, context);
  listing->footer("\nExample:\n  millrace topic list -o json");
  set_action(*listing, context, [&context, options] {
    return list(context, *options);
  });

  add_create(*topic, context);
  add_delete(*topic, context);

  auto* description = topic->add_subcommand(
    "describe", "Show a topic's partitions, offsets and configuration");
  description->add_option("TOPIC", options->topic, "The topic")->required();
  add_server_options(*description, context);
  add_output_option(*description, context);
  description->footer("\nExample:\n  millrace topic describe orders");
  set_action(*description, context, [&context, options] {
    return describe(context, *options);
  });

  auto* growth = topic->add_subcommand(
    "add-partitions", "Grow a topic; keys may move to other partitions");
  growth->add_option("TOPIC", options->topic, "The topic")->required();
  growth
    ->add_option(
      "--total", options->total, "How many partitions there shall be in all")
    ->required()
    ->check(CLI::PositiveNumber);
  add_server_options(*growth, context);
  growth->footer(
    "\nExample:\n  millrace topic add-partitions orders --total 24");
  set_action(*growth, context, [&context, options] {
    return grow(context, *options);
  });

  add_delete_records(*topic, context);
}

} // namespace millrace::cli
