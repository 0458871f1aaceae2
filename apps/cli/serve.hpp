#pragma once

// Running a node in the foreground.

#include "apps/cli/serve_options.hpp"

#include <memory>
#include <string>
#include <vector>

namespace millrace {
class custom_deployments;
}

namespace millrace::cli {

/// Starts a node, says where it listens, and waits for SIGINT or SIGTERM.
/// Returns exit_ok after a clean stop.
/// @param actors users' own, which run with it; null: none
int run_serve(const node_config& config, const serve_options& options,
  std::shared_ptr<const custom_deployments> actors = nullptr);

/// What `serve` prints when it is up: addresses, and lines to copy.
/// @param kafka, http the addresses that are really bound
/// @param nodes where other nodes are listened for, or empty
[[nodiscard]] std::string greeting(const std::vector<std::string>& kafka,
  const std::vector<std::string>& http, const std::string& nodes,
  const std::string& data_directory, const std::string& cluster_id);

} // namespace millrace::cli
