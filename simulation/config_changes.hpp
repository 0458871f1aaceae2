#pragma once

// Configurations that an administrator may change at any time, of a topic, of
// a broker or of all brokers, and that keep what clients are promised: nothing
// is deleted early, and fewer than two replicas never acknowledge a record of
// the run's own topic.

#include "simulation/sim_world.hpp"

#include <optional>
#include <string>

namespace millrace {

struct admin_config_change {
  int8_t resource_type = 0; ///< Kafka's: topic or broker
  std::string resource;     ///< empty: all brokers
  std::string key;
  std::optional<std::string> value; ///< none: back to the default
};

/// How long a segment is written to: so short that a run has sealed ones.
[[nodiscard]] std::string some_segment_ms(sim_world& world);

/// @param replicas of the topic
/// @param keeps_records the run's clients write to it
[[nodiscard]] admin_config_change topic_config_change(sim_world& world,
  const std::string& topic, int16_t replicas, bool keeps_records);

/// @param nodes there are so many brokers
[[nodiscard]] admin_config_change broker_config_change(
  sim_world& world, int32_t nodes, int16_t replicas);

} // namespace millrace
