#pragma once

// What the tables of configuration keys are written with.

#include "cluster/config_keys.hpp"

namespace millrace {

inline constexpr const char* refused_for_now
  = "Known to Kafka; refused here for now.";

constexpr config_key within(
  config_key key, int64_t min, int64_t max = INT64_MAX) {
  key.min = min;
  key.max = max;
  return key;
}

/// A list of replicas, as throttled_replicas reads it.
constexpr config_key replicas(config_key key) {
  key.names_replicas = true;
  return key;
}

constexpr config_key among(config_key key, const char* choices) {
  key.choices = choices;
  return key;
}

} // namespace millrace
