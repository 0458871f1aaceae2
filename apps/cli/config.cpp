#include "apps/cli/command.hpp"
#include "apps/cli/pairs.hpp"
#include "apps/client/config_admin.hpp"

namespace millrace::cli {
namespace {

struct config_options {
  std::string kind;
  std::string name;
  std::vector<std::string> changes;
  bool all = false;
};

result<client::config_resource> resource_of(const config_options& options) {
  using kind = client::config_resource::kind;
  if (options.kind == "topic")
    return client::config_resource{kind::topic, options.name};
  if (options.name == "all")
    return client::config_resource{kind::broker, ""};
  if (options.name.find_first_not_of("0123456789") != std::string::npos)
    return error{errc::invalid_argument,
      "'" + options.name + "' is no broker: give its node id, or all"};
  return client::config_resource{kind::broker, options.name};
}

int describe(const command_context& context, const config_options& options) {
  auto resource = resource_of(options);
  if (!resource)
    return report(resource.error());
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto entries = client::describe_configs(**nodes, *resource);
  if (!entries)
    return report(entries.error());
  table out{{"key", "value", "source"}};
  for (const auto& e : *entries)
    if (options.all || e.source != "default")
      out.add({e.name,
        e.value ? cell{*e.value}
                : (e.sensitive ? cell{std::string{"(hidden)"}} : cell{}),
        e.source});
  if (out.row_count() == 0 && context.format() == output_format::table)
    print("everything is at its default; --all shows it\n");
  else
    print(out.to_string(context.format()));
  return exit_ok;
}

int change(
  const command_context& context, const config_options& options, bool remove) {
  auto resource = resource_of(options);
  if (!resource)
    return report(resource.error());
  std::vector<client::config_change> changes;
  for (const auto& text : options.changes) {
    if (remove) {
      changes.push_back({text, std::nullopt});
      continue;
    }
    auto pair = parse_pair(text);
    if (!pair)
      return report(pair.error());
    changes.push_back({pair->first, pair->second});
  }
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  if (auto done = client::alter_configs(**nodes, *resource, changes); !done)
    return report(done.error());
  print("changed the configuration of " + to_string(*resource) + "\n");
  return exit_ok;
}

void add_resource(CLI::App& command, config_options& options) {
  command.add_option("KIND", options.kind, "topic or broker")
    ->required()
    ->check(CLI::IsMember({"topic", "broker"}));
  command
    .add_option("NAME", options.name,
      "The topic's name, the broker's node id, or all (brokers)")
    ->required();
}

} // namespace

void add_config(CLI::App& parent, command_context& context) {
  auto* config = parent.add_subcommand(
    "config", "Read and change configurations of topics and brokers");
  config->require_subcommand(1);
  auto options = make_options<config_options>();

  auto* command = config->add_subcommand("describe", "Show what is configured");
  add_resource(*command, *options);
  command->add_flag("-a,--all", options->all, "Also what is at its default");
  add_server_options(*command, context);
  add_output_option(*command, context);
  command->footer(R"(
Examples:
  millrace config describe topic orders --all
  millrace config describe broker 0 -o json)");
  set_action(*command, context, [&context, options] {
    return describe(context, *options);
  });

  command = config->add_subcommand("set", "Set keys to values");
  add_resource(*command, *options);
  command->add_option("KEY=VALUE", options->changes, "What to set")->required();
  add_server_options(*command, context);
  command->footer(R"(
Examples:
  millrace config set topic orders retention.ms=86400000
  millrace config set broker all message.max.bytes=10485760)");
  set_action(*command, context, [&context, options] {
    return change(context, *options, false);
  });

  command = config->add_subcommand("delete", "Return keys to their defaults");
  add_resource(*command, *options);
  command->add_option("KEY", options->changes, "What to unset")->required();
  add_server_options(*command, context);
  command->footer(
    "\nExample:\n  millrace config delete topic orders retention.ms");
  set_action(*command, context, [&context, options] {
    return change(context, *options, true);
  });
}

} // namespace millrace::cli
