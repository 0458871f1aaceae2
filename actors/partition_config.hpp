#pragma once

// From the typed configuration to what a partition and a coordinator take.

#include "actors/messages.hpp"
#include "cluster/config_node.hpp"
#include "cluster/config_topic.hpp"
#include "cluster/group_config.hpp"

namespace millrace {

[[nodiscard]] partition_settings partition_settings_of(
  const topic_config& topic, const node_config& node);

[[nodiscard]] group_config group_config_of(const node_config& node);

} // namespace millrace
