#pragma once

// What a cluster can do beyond what its APIs say (KIP-584). Each feature is
// always on, at its highest level: there is nothing that an operator could
// raise, or lower.

#include "schema/kafka/update_features.hpp"

#include <cstdint>
#include <span>

namespace millrace {

struct fixed_feature {
  const char* name;
  int16_t level;
};

[[nodiscard]] std::span<const fixed_feature> fixed_features();

/// A level that a feature has already is taken; every other one is
/// invalid_update_version for the whole request, as in Kafka.
[[nodiscard]] kafka::update_features_response answer_update_features(
  int16_t version, const kafka::update_features_request& request);

} // namespace millrace
