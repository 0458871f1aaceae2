#pragma once

// `millrace serve` without the node: its options, and the configuration that
// they come to.

#include "apps/cli/command.hpp"
#include "cluster/config_node.hpp"
#include "schema/result.hpp"

#include <functional>
#include <string>
#include <vector>

namespace millrace::cli {

struct serve_options {
  std::string config_file;
  std::vector<std::string> set; ///< KEY=VALUE
  std::string data_dir;
  std::string kafka;
  std::string http;
  std::string node_id;
  std::string cluster;
  std::string controllers;
  std::string log_format = "text";
  std::string log_level = "info";
  bool quiet = false;
};

/// Runs a node until it is told to stop; returns the exit code.
using serve_function
  = std::function<int(const node_config&, const serve_options&)>;

/// The node's configuration: flags win over --set, that over the
/// environment, that over the file, that over the defaults.
/// Errors: those of the settings, naming where a mistake stands.
[[nodiscard]] result<node_config> configure_node(
  const serve_options& options, const char* const* environment);

/// Configures a node and runs it. Returns the exit code.
/// @param serve may be null: then it refuses
int serve_node(const serve_options& options, const serve_function& serve);

/// The HTTP address that `serve` uses when nothing names one.
inline constexpr const char* default_http = "127.0.0.1:8080";

/// @param serve may be null: then the command refuses to run
void add_serve(
  CLI::App& parent, command_context& context, serve_function serve);

/// `millrace join`: makes a node of a cluster that is there, and runs it.
/// @param serve as for add_serve()
void add_join(CLI::App& parent, command_context& context, serve_function serve);

} // namespace millrace::cli
