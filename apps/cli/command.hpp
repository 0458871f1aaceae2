#pragma once

// How a command joins the command line: it adds its options to the tree and
// leaves behind what is to be run when the line names it.

#include "apps/cli/exit_code.hpp"
#include "apps/cli/table.hpp"
#include "apps/client/cluster.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

namespace millrace::cli {

/// What the options that many commands share were set to, and the action of
/// the command that was named. One for each command line.
struct command_context {
  std::string bootstrap = "localhost:9092";
  std::string output = "table";
  double timeout_seconds = 30;
  /// Runs the command and returns its exit code.
  std::function<int()> action;

  [[nodiscard]] output_format format() const {
    return output == "json" ? output_format::json : output_format::table;
  }
};

/// Adds --bootstrap and --timeout.
void add_server_options(CLI::App& command, command_context& context);
/// Adds --output, with -o unless the command needs that letter.
void add_output_option(
  CLI::App& command, command_context& context, bool short_form = true);

/// Runs `action` when the line names `command`. `action` may refer to what
/// the command's options were bound to.
void set_action(
  CLI::App& command, command_context& context, std::function<int()> action);

/// A cluster behind --bootstrap, with one connection proved to work.
/// Errors: invalid_argument (no address), offline.
[[nodiscard]] result<std::unique_ptr<client::cluster>> connect(
  const command_context& context);

/// Options of a command live as long as the command line.
template <class Options>
std::shared_ptr<Options> make_options() {
  return std::make_shared<Options>();
}

// One function for each command; each adds itself to `parent`.
void add_topic(CLI::App& parent, command_context& context);
void add_produce(CLI::App& parent, command_context& context);
void add_consume(CLI::App& parent, command_context& context);
void add_group(CLI::App& parent, command_context& context);
void add_config(CLI::App& parent, command_context& context);
void add_bench(CLI::App& parent, command_context& context);
void add_version(CLI::App& parent, command_context& context);
void add_dev(CLI::App& parent, command_context& context);
void add_cluster(CLI::App& parent, command_context& context);
// Below `cluster`.
void add_cluster_members(CLI::App& parent, command_context& context);
void add_cluster_moves(CLI::App& parent, command_context& context);
void add_cluster_cert(CLI::App& parent, command_context& context);
void add_cluster_token(CLI::App& parent, command_context& context);
void add_rebalance(CLI::App& parent, command_context& context);
void add_completion(CLI::App& parent, command_context& context);

} // namespace millrace::cli
