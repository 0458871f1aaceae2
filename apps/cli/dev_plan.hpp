#pragma once

// A whole cluster on one machine, for trying things out: which nodes it has,
// where they listen, and how each is started.

#include "net/endpoint.hpp"
#include "schema/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace millrace::cli {

struct dev_options {
  int nodes = 3;
  std::string data_dir = "./data-dev";
  uint16_t port = 9092;         ///< of the first node; the others follow
  std::vector<std::string> set; ///< KEY=VALUE, for every node
  /// Kept in the data directory: it must not change with the ports.
  std::string cluster_id;
};

/// More are no longer for one machine.
inline constexpr int dev_nodes_max = 9;

struct dev_node {
  int32_t id = 0;
  std::string data_dir;
  std::string log; ///< a file beside the directory
  endpoint kafka;
  endpoint http;
  endpoint cluster;
};

/// Whether a port of the loopback address can be listened at.
using port_test = std::function<bool(uint16_t)>;

/// Nodes 1..N. Each kind of port counts up from its usual one (9092, 8080,
/// 19092); one that is taken is passed over.
/// Errors: invalid_argument (how many), already_exists (no port is free).
[[nodiscard]] result<std::vector<dev_node>> plan_dev_nodes(
  const dev_options& options, const port_test& is_free);

/// What follows `millrace` on the command line of node `index`.
/// Three nodes or more keep the metadata on three of them and every topic on
/// three, two of which have a record before it is acknowledged.
[[nodiscard]] std::vector<std::string> serve_words(
  const dev_options& options, const std::vector<dev_node>& nodes, size_t index);

/// `localhost:9092,localhost:9093`
[[nodiscard]] std::string bootstrap_of(const std::vector<dev_node>& nodes);

} // namespace millrace::cli
