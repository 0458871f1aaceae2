#pragma once

// Reading and changing configurations of topics and brokers.

#include "apps/client/cluster.hpp"

#include <optional>
#include <string>
#include <vector>

namespace millrace::client {

/// A topic by name, or a broker by id (empty = the default of all brokers).
struct config_resource {
  enum class kind : int8_t { topic = 2, broker = 4 };
  kind type = kind::topic;
  std::string name;
};

/// `topic 'x'`, `broker 1`, `all brokers`.
[[nodiscard]] std::string to_string(const config_resource& resource);

struct config_entry {
  std::string name;
  std::optional<std::string> value; ///< nothing: secret, or not set
  std::string source;               ///< `topic`, `broker`, `default`, ...
  bool read_only = false;
  bool sensitive = false;
  std::string documentation;
};

/// A value to set, or nothing to return to the default.
struct config_change {
  std::string name;
  std::optional<std::string> value;
};

/// By name. Errors: those of the server; not_found.
[[nodiscard]] result<std::vector<config_entry>> describe_configs(
  cluster& nodes, const config_resource& resource);
/// All changes or none. Errors: those of the server with its sentence.
[[nodiscard]] result<void> alter_configs(cluster& nodes,
  const config_resource& resource, const std::vector<config_change>& changes);

} // namespace millrace::client
