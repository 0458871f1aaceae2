#include "cluster/fixed_features.hpp"

#include "cluster/transaction_state.hpp"
#include "schema/kafka_error.hpp"

#include <algorithm>
#include <string>

namespace millrace {

namespace {

constexpr fixed_feature levels[] = {
  {"group.version", 1}, // KIP-848
  {"share.version", 1}, // KIP-932
  {"transaction.version", transaction_version_epoch_bump},
};

using wanted_feature = kafka::update_features_request::feature_update_key;

/// Kafka's upgrade types: upgrade, safe and unsafe downgrade.
constexpr int8_t upgrade_type_min = 1;
constexpr int8_t upgrade_type_max = 3;

/// Why it cannot be; empty if it is so.
std::string refusal_of(int16_t version, const wanted_feature& wanted) {
  const auto* known
    = std::find_if(std::begin(levels), std::end(levels), [&](const auto& each) {
        return each.name == wanted.feature;
      });
  if (known == std::end(levels))
    return "there is no feature " + wanted.feature;
  if (version >= 1
      && (wanted.upgrade_type < upgrade_type_min
          || wanted.upgrade_type > upgrade_type_max))
    return wanted.feature + ": there is no upgrade type "
           + std::to_string(wanted.upgrade_type);
  if (wanted.max_version_level != known->level)
    return wanted.feature + " is at level " + std::to_string(known->level)
           + ", always: it cannot be set to "
           + std::to_string(wanted.max_version_level);
  return {};
}

} // namespace

std::span<const fixed_feature> fixed_features() {
  return levels;
}

kafka::update_features_response answer_update_features(
  int16_t version, const kafka::update_features_request& request) {
  kafka::update_features_response response;
  response.error_message.reset();
  for (const auto& wanted : request.feature_updates)
    if (auto why = refusal_of(version, wanted); !why.empty()) {
      response.error_code
        = static_cast<int16_t>(kafka_error::invalid_update_version);
      response.error_message = "nothing was changed: " + std::move(why);
      return response;
    }
  for (const auto& wanted : request.feature_updates)
    response.results.push_back({wanted.feature, 0, std::nullopt});
  return response;
}

} // namespace millrace
