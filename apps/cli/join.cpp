#include "apps/cli/join_token.hpp"
#include "apps/cli/new_file.hpp"
#include "apps/cli/serve_options.hpp"
#include "apps/cli/settings.hpp"
#include "apps/client/replica_admin.hpp"

#include <filesystem>

namespace millrace::cli {
namespace {

struct join_options {
  std::string token;
  std::string token_file;
  bool only_write = false;
  serve_options serve;
};

constexpr const char* file_name = "millrace.properties";

/// `1@host:port,...` of those that vote on the metadata now.
result<std::string> controllers_of(client::cluster& nodes) {
  auto quorum = client::describe_quorum(nodes);
  if (!quorum)
    return quorum.error();
  std::string list;
  for (const auto& m : quorum->members) {
    if (!m.votes)
      continue;
    if (m.address.empty())
      return error{errc::offline,
        "where node " + std::to_string(m.id)
          + " is, which votes on the metadata, nobody knows yet; try again "
            "when it is up"};
    list += (list.empty() ? "" : ",") + std::to_string(m.id) + "@" + m.address;
  }
  return list;
}

result<std::string> ask_cluster(
  const command_context& context, const join_token& token) {
  auto nodes = connect(context);
  if (!nodes)
    return nodes.error();
  auto cluster_id = client::find_cluster_id(**nodes);
  if (!cluster_id)
    return cluster_id.error();
  if (*cluster_id != token.cluster_id)
    return error{errc::invalid_argument,
      context.bootstrap + " belongs to cluster " + *cluster_id
        + ", and the token is for cluster " + token.cluster_id};
  auto known = client::list_nodes(**nodes);
  if (!known)
    return known.error();
  for (const auto& n : *known)
    if (n.id == token.node)
      return error{errc::already_exists,
        "node " + std::to_string(token.node) + " is in the cluster already, at "
          + n.address + "; make another token"};
  return controllers_of(**nodes);
}

struct planned_file {
  std::string path;
  std::string text;
  mode_t mode = everyone_reads;
};

/// The certificate and its key, and last the configuration that names them.
std::vector<planned_file> plan_files(const join_options& options,
  const join_token& token, const std::string& controllers) {
  const auto directory = std::filesystem::absolute(
    options.serve.data_dir.empty() ? "data" : options.serve.data_dir);
  const auto path = [&](const char* name) {
    return (directory / name).string();
  };
  std::string text
    = "node.id=" + std::to_string(token.node) + "\nlog.dirs="
      + directory.string() + "\nmillrace.cluster.id=" + token.cluster_id
      + "\ncontroller.quorum.voters=" + controllers
      + "\nmillrace.cluster.listener=" + options.serve.cluster + "\n";
  if (!options.serve.kafka.empty())
    text += "listeners=PLAINTEXT://" + options.serve.kafka + "\n";
  for (const auto& pair : options.serve.set)
    text += pair + "\n";
  std::vector<planned_file> files;
  if (token.has_certificate()) {
    files = {{path("ca.pem"), token.ca}, {path("node.pem"), token.certificate},
      {path("node.key"), token.key, owner_reads}};
    text += "millrace.cluster.ssl.ca.location=" + files[0].path
            + "\nmillrace.cluster.ssl.certificate.location=" + files[1].path
            + "\nmillrace.cluster.ssl.key.location=" + files[2].path + "\n";
  }
  files.push_back({path(file_name), std::move(text)});
  return files;
}

/// Nothing is written of what the node would refuse.
result<void> check(const planned_file& configuration) {
  auto settings = parse_properties(configuration.text, configuration.path);
  if (!settings)
    return settings.error();
  auto merged = merge_settings(*settings);
  if (!merged)
    return merged.error();
  auto node = parse_node_config(*merged);
  return node ? result<void>{} : node.error();
}

result<void> write_all(const std::vector<planned_file>& files) {
  const std::filesystem::path configuration{files.back().path};
  const auto directory = configuration.parent_path();
  if (std::filesystem::exists(configuration))
    return error{errc::already_exists,
      configuration.string()
        + " is there: this node has joined; start it with millrace serve "
          "--config "
        + configuration.string()};
  if (std::filesystem::exists(directory / "meta.properties"))
    return error{errc::already_exists,
      directory.string() + " is the data directory of a node that is there"};
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed)
    return error{errc::io_error, directory.string() + ": " + failed.message()};
  for (size_t i = 0; i < files.size(); ++i) {
    auto written = write_new(files[i].path, files[i].text, files[i].mode);
    if (written)
      continue;
    // All or nothing, so that the same command can be tried again.
    const bool is_ours = written.error().code != errc::already_exists;
    for (size_t made = 0; made < i + (is_ours ? 1 : 0); ++made)
      std::filesystem::remove(files[made].path, failed);
    return written.error();
  }
  return {};
}

/// The token, or what the file that holds it has; `-` is standard input.
result<join_token> token_of(const join_options& options) {
  if (options.token_file.empty())
    return decode_join_token(options.token);
  auto text = options.token_file == "-" ? read_whole("/dev/stdin")
                                        : read_whole(options.token_file);
  if (!text)
    return text.error();
  const auto end = text->find_last_not_of(" \t\r\n");
  return decode_join_token(text->substr(0, end + 1));
}

int join(const command_context& context, const join_options& options,
  const serve_function& serve) {
  if (options.token.empty() && options.token_file.empty())
    return report_usage("join needs --token-file FILE");
  const auto token = token_of(options);
  if (!token)
    return report(token.error());
  auto controllers = ask_cluster(context, *token);
  if (!controllers)
    return report(controllers.error());
  const auto files = plan_files(options, *token, *controllers);
  const auto& configuration = files.back();
  if (auto sound = check(configuration); !sound)
    return report(sound.error());
  if (auto written = write_all(files); !written)
    return report(written.error());
  print("node " + std::to_string(token->node) + " of cluster "
        + token->cluster_id + "; from now on: millrace serve --config "
        + configuration.path + "\n");
  if (options.only_write)
    return exit_ok;
  serve_options with;
  with.config_file = configuration.path;
  with.http = options.serve.http;
  with.quiet = options.serve.quiet;
  return serve_node(with, serve);
}

constexpr const char* footer = R"(
Asks any node of the cluster, by its address for Kafka's clients, who keeps the
metadata, writes the configuration of the new node into its data directory, and
runs it. The token comes from `millrace cluster token`. The node observes the
metadata; `millrace cluster add` gives it a vote.

Example:
  millrace join host1:9092 --token-file token-4 --cluster 10.0.0.4:19092 \
    --kafka 10.0.0.4:9092 --data-dir /var/lib/millrace
  millrace serve --config /var/lib/millrace/millrace.properties    later on)";

} // namespace

void add_join(
  CLI::App& parent, command_context& context, serve_function serve) {
  auto options = make_options<join_options>();
  auto& command = *parent.add_subcommand(
    "join", "Make a new node of a cluster, and run it");
  command
    .add_option("server", context.bootstrap,
      "Any server of the cluster, as its clients know it")
    ->type_name("HOST:PORT")
    ->required();
  auto* file = command.add_option("--token-file", options->token_file,
    "What `millrace cluster token` made; - is standard input");
  file->type_name("FILE");
  command
    .add_option("--token", options->token,
      "The same on the command line, where other users of the machine see it")
    ->excludes(file);
  command
    .add_option("--cluster", options->serve.cluster,
      "Where the other nodes reach this one")
    ->type_name("HOST:PORT")
    ->required();
  command.add_option(
    "--kafka", options->serve.kafka, "HOST:PORT for Kafka's clients");
  command
    .add_option("--data-dir", options->serve.data_dir,
      "Where the data is kept; ./data without it")
    ->type_name("DIR");
  command.add_option(
    "--http", options->serve.http, "HOST:PORT for health and metrics, or off");
  command.add_option("--set", options->serve.set, "One key, KEY=VALUE")
    ->allow_extra_args(false);
  command.add_flag("--only-write", options->only_write,
    "Write the configuration, and do not run the node");
  command.add_flag(
    "-q,--quiet", options->serve.quiet, "Print no addresses and examples");
  command.footer(footer);
  set_action(command, context, [&context, options, serve] {
    return join(context, *options, serve);
  });
}

} // namespace millrace::cli
