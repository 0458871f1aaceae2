#pragma once

// What may be configured while the cluster runs: topics, brokers, groups,
// subscriptions to clients' metrics.

#include "cluster/config_keys.hpp"
#include "schema/metadata_command.hpp"

#include <optional>
#include <string>

namespace millrace {

/// Whose keys a resource has; nullopt for what has no configurations here.
[[nodiscard]] std::optional<config_scope> config_scope_of(config_resource type);

/// What is said of such a type.
[[nodiscard]] std::string no_configs_of(int8_t type);

} // namespace millrace
