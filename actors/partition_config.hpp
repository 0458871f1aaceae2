#pragma once

// From the typed configuration to what a partition and a coordinator take.

#include "actors/messages.hpp"
#include "cluster/config_node.hpp"
#include "cluster/config_topic.hpp"
#include "cluster/group_config.hpp"
#include "cluster/transaction_config.hpp"

namespace millrace {

/// Of the topic's partition `index`, as it is kept on `node`.
[[nodiscard]] partition_settings partition_settings_of(
  const topic_config& topic, const node_config& node, int32_t index);

[[nodiscard]] group_config group_config_of(const node_config& node);
[[nodiscard]] transaction_config transaction_config_of(const node_config& node);

} // namespace millrace
