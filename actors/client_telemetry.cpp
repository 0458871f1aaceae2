#include "actors/client_telemetry.hpp"

#include "storage/compression.hpp"

namespace millrace {

namespace {

/// What is pushed may grow by so much when it is unpacked.
constexpr size_t unpacked_bytes_max = size_t{16} << 20;

} // namespace

void client_telemetry::follow(const metadata_image& image) {
  std::map<std::string, telemetry_config> configs;
  for (const auto& [owner, overrides] : image.all_configs())
    if (owner.first == config_resource::client_metrics)
      configs.emplace(owner.second, overrides);
  if (configs == configs_)
    return;
  configs_ = std::move(configs);
  sessions_.set_subscriptions(configs_);
}

kafka::get_telemetry_subscriptions_response client_telemetry::ask(
  const metadata_image& image, const telemetry_client& client,
  int32_t bytes_max, int64_t now_ms) {
  const std::lock_guard lock{mutex_};
  follow(image);
  return sessions_.ask(client, bytes_max, now_ms);
}

kafka_error client_telemetry::push(const metadata_image& image,
  const telemetry_client& client, const kafka::push_telemetry_request& request,
  int32_t bytes_max, int64_t now_ms) {
  const std::lock_guard lock{mutex_};
  follow(image);
  const auto error = sessions_.push(client, request, bytes_max, now_ms);
  if (error != kafka_error::none)
    return error;
  const auto bytes
    = decompress(static_cast<compression_codec>(request.compression_type),
      std::as_bytes(std::span{request.metrics}), unpacked_bytes_max);
  if (!bytes)
    return kafka_error::invalid_record;
  const auto samples = read_telemetry(*bytes);
  if (!samples)
    return kafka_error::invalid_record;
  metrics_.add(client, *samples, sessions_.interval_ms(client), now_ms);
  if (request.terminating)
    metrics_.remove(client.instance_id);
  return kafka_error::none;
}

} // namespace millrace
