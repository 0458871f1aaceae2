#include "apps/cli/cluster_cert.hpp"
#include "apps/cli/command.hpp"
#include "apps/cli/join_token.hpp"
#include "apps/cli/new_file.hpp"
#include "apps/client/replica_admin.hpp"

#include <algorithm>
#include <filesystem>

namespace millrace::cli {
namespace {

struct token_options {
  int32_t node = -1; ///< -1: the next free number
  std::string certificates;
  std::string out;
};

/// The number that the token is for.
result<int32_t> free_number(client::cluster& nodes, int32_t wanted) {
  auto known = client::list_nodes(nodes);
  if (!known)
    return known.error();
  auto quorum = client::describe_quorum(nodes);
  if (!quorum)
    return quorum.error();
  for (const auto& m : quorum->members) // some are no brokers yet
    known->push_back({.id = m.id});
  int32_t next = 1;
  for (const auto& n : *known) {
    if (n.id == wanted)
      return error{errc::already_exists,
        "node " + std::to_string(wanted)
          + " is in the cluster; a machine in its place is started with "
            "millrace serve, once the old one is gone"};
    next = std::max(next, n.id + 1);
  }
  return wanted < 0 ? next : wanted;
}

/// The node's certificate, made with the authority of the directory if it is
/// not there yet.
result<void> add_certificate(join_token& token, const std::string& directory) {
  const auto path = [&](const std::string& file) {
    return (std::filesystem::path{directory} / file).string();
  };
  const auto name = "node-" + std::to_string(token.node);
  auto ca = read_whole(path("ca.pem"));
  if (!ca)
    return ca.error(); // never another authority than the cluster's
  if (!std::filesystem::exists(path(name + ".pem")))
    if (auto made = make_cluster_certificates(
          {.directory = directory, .nodes = {token.node}});
      !made)
      return made.error();
  auto certificate = read_whole(path(name + ".pem"));
  if (!certificate)
    return certificate.error();
  auto key = read_whole(path(name + ".key"));
  if (!key)
    return key.error();
  token.ca = std::move(*ca);
  token.certificate = std::move(*certificate);
  token.key = std::move(*key);
  return {};
}

int make_token(const command_context& context, const token_options& options) {
  auto nodes = connect(context);
  if (!nodes)
    return report(nodes.error());
  auto number = free_number(**nodes, options.node);
  if (!number)
    return report(number.error());
  auto cluster_id = client::find_cluster_id(**nodes);
  if (!cluster_id)
    return report(cluster_id.error());
  join_token token{std::move(*cluster_id), *number, {}, {}, {}};
  if (!options.certificates.empty())
    if (auto added = add_certificate(token, options.certificates); !added)
      return report(added.error());
  const auto text = encode_join_token(token) + "\n";
  if (options.out.empty()) {
    print(text);
    return exit_ok;
  }
  if (auto written = write_new(options.out, text, owner_reads); !written)
    return report(written.error());
  print(
    "made " + options.out + " for node " + std::to_string(token.node) + "\n");
  return exit_ok;
}

constexpr const char* footer = R"(
Prints the token that `millrace join` needs on the new machine. With --certs it
holds the node's certificate and key, signed by the authority in that directory
(see `millrace cluster cert`): whoever has it is that node to the others.

Examples:
  millrace cluster token --certs certs --out token-4
  scp token-4 host4: && ssh host4 millrace join host1:9092 \
    --token-file token-4 --cluster 10.0.0.4:19092 --kafka 10.0.0.4:9092
  millrace cluster token 4 -b host1:9092        plain text: nothing is secret)";

} // namespace

void add_cluster_token(CLI::App& parent, command_context& context) {
  auto options = make_options<token_options>();
  auto& command
    = *parent.add_subcommand("token", "Make what a new node joins with");
  command
    .add_option("node", options->node,
      "The new node's number; without it the next that is free")
    ->check(CLI::NonNegativeNumber);
  command
    .add_option("--certs", options->certificates,
      "Where ca.pem and ca.key of the cluster are")
    ->type_name("DIR");
  command
    .add_option(
      "--out", options->out, "A new file for it, which only its owner can read")
    ->type_name("FILE");
  add_server_options(command, context);
  command.footer(footer);
  set_action(command, context, [&context, options] {
    return make_token(context, *options);
  });
}

} // namespace millrace::cli
