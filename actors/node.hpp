#pragma once

// One running node in production: threads, sockets, disk.

#include "cluster/config_node.hpp"
#include "schema/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace millrace {

class custom_deployments;

/// From start() to stop() the node serves. Not to be used from its own
/// actors.
class node {
public:
  /// Opens the data directory, listens, and serves.
  /// Errors: a sentence with cause and cure (an address in use, a directory
  /// of another node, a log that cannot be read ...).
  ///
  /// @param on_failure called once, in some thread, when an actor that the
  /// node cannot do without has died: the node must be stopped, and may be
  /// started again from its disk
  /// @param actors users' own, which run with it; null: none
  [[nodiscard]] static result<std::unique_ptr<node>> start(node_config config,
    std::function<void()> on_failure = {},
    std::shared_ptr<const custom_deployments> actors = nullptr);
  /// Stops if stop() was not called.
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// HOST:PORT of each Kafka listener, with the ports really bound.
  [[nodiscard]] const std::vector<std::string>& kafka_addresses() const;
  [[nodiscard]] const std::vector<std::string>& http_addresses() const;
  /// Where the other nodes are listened for; empty for a node that is alone.
  [[nodiscard]] const std::string& cluster_address() const;
  [[nodiscard]] const std::string& data_directory_path() const;
  [[nodiscard]] std::string cluster_id() const;

  /// Answers what is under way, makes everything durable, and marks the data
  /// directory as cleanly stopped. Returns whether it was clean.
  bool stop();

private:
  class impl;
  explicit node(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace millrace
