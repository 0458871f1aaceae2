#include "apps/cli/pairs.hpp"
#include "apps/cli/serve_options.hpp"
#include "apps/cli/settings.hpp"
#include "net/endpoint.hpp"

#include <unistd.h>

namespace millrace::cli {
namespace {

/// Where nodes listen for each other if --cluster names a host alone.
constexpr uint16_t default_cluster_port = 19092;

/// The short flags, as the keys that they stand for.
result<std::vector<setting>> settings_of_flags(const serve_options& options) {
  std::vector<setting> settings;
  if (!options.data_dir.empty())
    settings.push_back({"log.dirs", options.data_dir, "--data-dir"});
  if (!options.kafka.empty()) {
    auto at = parse_endpoint(options.kafka, 9092);
    if (!at)
      return error{errc::invalid_argument, "--kafka: " + at.error().context};
    settings.push_back(
      {"listeners", "PLAINTEXT://" + at->to_string(), "--kafka"});
  }
  if (options.http == "off") {
    settings.push_back({"millrace.http.listeners", "", "--http"});
  } else if (!options.http.empty()) {
    auto at = parse_endpoint(options.http, 8080);
    if (!at)
      return error{errc::invalid_argument, "--http: " + at.error().context};
    settings.push_back({"millrace.http.listeners", at->to_string(), "--http"});
  }
  if (!options.node_id.empty())
    settings.push_back({"node.id", options.node_id, "--node-id"});
  if (!options.cluster.empty()) {
    auto at = parse_endpoint(options.cluster, default_cluster_port);
    if (!at)
      return error{errc::invalid_argument, "--cluster: " + at.error().context};
    settings.push_back(
      {"millrace.cluster.listener", at->to_string(), "--cluster"});
  }
  if (!options.controllers.empty())
    settings.push_back(
      {"controller.quorum.voters", options.controllers, "--controllers"});
  return settings;
}

constexpr const char* footer = R"(
Without options a node keeps its data in ./data and listens for Kafka on
127.0.0.1:9092 and [::1]:9092, and for health and metrics (HTTP) on
127.0.0.1:8080. Ctrl-C stops it cleanly; a second Ctrl-C kills it.

Several nodes are one cluster when each has a number of its own, a --cluster
address, and the same list of --controllers: one, three or five of the nodes.
Beyond one machine each needs a certificate: see `millrace cluster cert`.

Configuration keys are Kafka's. A file ending in .toml is TOML, any other one
is read like Kafka's server.properties. What wins: flags, then --set, then
the environment (MILLRACE_LOG_DIRS is log.dirs), then the file.

Examples:
  millrace serve
  millrace serve --data-dir /var/lib/millrace --kafka 0.0.0.0:9092
  millrace serve --config server.properties --set num.partitions=6
  MILLRACE_LOG_RETENTION_HOURS=24 millrace serve --http off
  millrace serve --node-id 1 --kafka 10.0.0.1:9092 --cluster 10.0.0.1:19092 \
    --controllers 1@10.0.0.1:19092,2@10.0.0.2:19092,3@10.0.0.3:19092)";

} // namespace

result<node_config> configure_node(
  const serve_options& options, const char* const* environment) {
  std::vector<setting> all;
  const auto append = [&all](std::vector<setting> more) {
    all.insert(all.end(), std::make_move_iterator(more.begin()),
      std::make_move_iterator(more.end()));
  };
  if (!options.config_file.empty()) {
    auto file = read_settings(options.config_file);
    if (!file)
      return file.error();
    append(std::move(*file));
  }
  append(settings_of_environment(environment));
  for (const auto& text : options.set) {
    auto pair = parse_pair(text);
    if (!pair)
      return error{errc::invalid_argument, "--set: " + pair.error().context};
    append({{pair->first, pair->second, "--set"}});
  }
  auto flags = settings_of_flags(options);
  if (!flags)
    return flags.error();
  append(std::move(*flags));
  auto merged = merge_settings(all);
  if (!merged)
    return merged.error();
  return parse_node_config(*merged);
}

int serve_node(const serve_options& options, const serve_function& serve) {
  auto node = configure_node(options, ::environ);
  if (!node)
    return report(node.error());
  if (serve == nullptr)
    return report({errc::unsupported, "this program has no node in it"});
  return serve(*node, options);
}

void add_serve(
  CLI::App& parent, command_context& context, serve_function serve) {
  auto options = make_options<serve_options>();
  auto* command = parent.add_subcommand("serve", "Run a node");
  command
    ->add_option(
      "--config", options->config_file, "A file with configuration keys")
    ->type_name("FILE");
  command
    ->add_option("--set", options->set, "One key, KEY=VALUE; may be repeated")
    ->allow_extra_args(false);
  command
    ->add_option("--data-dir", options->data_dir,
      "Where the data is kept (log.dirs); ./data without it")
    ->type_name("DIR");
  command->add_option(
    "--kafka", options->kafka, "HOST:PORT for Kafka's clients (listeners)");
  command->add_option("--http", options->http,
    "HOST:PORT for health and metrics, or off (millrace.http.listeners)");
  command->add_option(
    "--node-id", options->node_id, "The number of this node (node.id)");
  command
    ->add_option("--cluster", options->cluster,
      "Where the other nodes reach this one (millrace.cluster.listener)")
    ->type_name("HOST:PORT");
  command
    ->add_option("--controllers", options->controllers,
      "The nodes that keep the metadata (controller.quorum.voters)")
    ->type_name("ID@HOST:PORT,...");
  command
    ->add_option(
      "--log-format", options->log_format, "How log lines on stderr look")
    ->check(CLI::IsMember({"text", "json"}))
    ->capture_default_str();
  command
    ->add_option("--log-level", options->log_level, "The least that is logged")
    ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
    ->capture_default_str();
  command->add_flag(
    "-q,--quiet", options->quiet, "Print no addresses and examples");
  command->footer(footer);
  set_action(*command, context, [options, serve] {
    return serve_node(*options, serve);
  });
}

} // namespace millrace::cli
