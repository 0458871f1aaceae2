#pragma once

// The metrics of a node's clients (KIP-714): who is asked, and what they have
// said. Shared by all gateways of the node and its metrics page; requests are
// minutes apart, so that a lock harms nobody.

#include "cluster/metadata_image.hpp"
#include "cluster/telemetry_metrics.hpp"
#include "cluster/telemetry_sessions.hpp"

#include <map>
#include <mutex>

namespace millrace {

class client_telemetry {
public:
  /// @param image whose CLIENT_METRICS resources count
  /// @param bytes_max telemetry.max.bytes
  /// @param now_ms monotonic
  [[nodiscard]] kafka::get_telemetry_subscriptions_response ask(
    const metadata_image& image, const telemetry_client& client,
    int32_t bytes_max, int64_t now_ms);
  /// Takes the metrics if they may come. Errors: those of telemetry_sessions,
  /// and invalid_record for what is no OpenTelemetry.
  [[nodiscard]] kafka_error push(const metadata_image& image,
    const telemetry_client& client,
    const kafka::push_telemetry_request& request, int32_t bytes_max,
    int64_t now_ms);

  [[nodiscard]] std::map<uuid, telemetry_metrics::client> clients(
    int64_t now_ms) const {
    const std::lock_guard lock{mutex_};
    return metrics_.clients(now_ms);
  }

private:
  void follow(const metadata_image& image);

  mutable std::mutex mutex_;
  std::map<std::string, telemetry_config> configs_;
  telemetry_sessions sessions_;
  telemetry_metrics metrics_;
};

} // namespace millrace
