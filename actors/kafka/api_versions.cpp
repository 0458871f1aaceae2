#include "schema/kafka/api_versions.hpp"

#include "actors/kafka/handlers.hpp"
#include "actors/kafka/session.hpp"
#include "cluster/fixed_features.hpp"

namespace millrace {

namespace {

/// Letters and digits, with dots and dashes between (KIP-511).
bool is_software_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z');
  };
  if (name.empty() || !plain(name.front()) || !plain(name.back()))
    return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return plain(c) || c == '-' || c == '.';
  });
}

/// Versions before 4 do not hear of what goes down to 0 (KIP-584).
void add_features(kafka::api_versions_response& response, int16_t version) {
  constexpr int16_t knows_zero = 4;
  for (const auto& feature : fixed_features()) {
    if (version >= knows_zero)
      response.supported_features.push_back({feature.name, 0, feature.level});
    response.finalized_features.push_back(
      {feature.name, feature.level, feature.level});
  }
}

/// Telemetry is offered as long as an operator subscribes to some, as by Kafka
/// with somebody to take it: librdkafka writes a line about it for each client.
bool is_offered(const metadata_image& image, kafka::api_key key) {
  if (key != kafka::api_key::get_telemetry_subscriptions
      && key != kafka::api_key::push_telemetry)
    return true;
  const auto& all = image.all_configs();
  const auto first = all.lower_bound(
    metadata_image::config_owner{config_resource::client_metrics, {}});
  return first != all.end()
         && first->first.first == config_resource::client_metrics;
}

} // namespace

result<void> handle_api_versions(gateway_core& hub, kafka_request& request) {
  kafka::api_versions_response response;
  auto slot = request.slot;
  const auto* api = kafka::find_api(request.header.api_key);
  const bool known
    = slot.version >= api->min_version && slot.version <= api->max_version;
  bool is_own_client = false;
  if (known) {
    kafka::api_versions_request body;
    MILLRACE_TRY(read_body(request, body));
    is_own_client = body.client_software_name == "millrace";
    if (auto* software = hub.software(request.slot))
      *software = {body.client_software_name, body.client_software_version};
    if (slot.version >= 3
        && (!is_software_name(body.client_software_name)
            || !is_software_name(body.client_software_version)))
      response.error_code = static_cast<int16_t>(kafka_error::invalid_request);
  } else {
    // In the form that every client can read, with the ranges in it.
    response.error_code
      = static_cast<int16_t>(kafka_error::unsupported_version);
    slot.version = 0;
  }
  if (response.error_code != static_cast<int16_t>(kafka_error::invalid_request))
    for (const auto& a : kafka::apis())
      if (const auto key = static_cast<int16_t>(a.key);
        (key < kafka::first_own_key || is_own_client)
        && is_offered(hub.image(), a.key))
        response.api_keys.push_back(
          {key, a.advertised_min_version, a.max_version});
  add_features(response, slot.version);
  // Grows with every change of the metadata and so never falls.
  response.finalized_features_epoch = hub.image().applied_index();
  reply(hub, slot, response);
  return {};
}

result<void> handle_update_features(gateway_core& hub, kafka_request& request) {
  kafka::update_features_request body;
  MILLRACE_TRY(read_body(request, body));
  reply(hub, request.slot,
    answer_update_features(request.header.api_version, body));
  return {};
}

} // namespace millrace
