#pragma once

// Which metrics of which clients an operator wants (KIP-714): the resources
// of type CLIENT_METRICS, one subscription each.

#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
} // namespace re2

namespace millrace {

/// Who asks, as subscriptions choose among clients.
struct telemetry_client {
  uuid instance_id;
  std::string client_id;
  std::string software_name;    ///< as ApiVersions told it; KIP-511
  std::string software_version; ///< the same
  std::string address;          ///< an IP address
  int32_t port = 0;

  auto operator<=>(const telemetry_client&) const = default;
};

/// The overrides of one CLIENT_METRICS resource, by key.
using telemetry_config = std::map<std::string, std::string, std::less<>>;

/// Why a resource may not have these; empty if it may. The keys are
/// `metrics` (prefixes of names, `*` for all), `interval.ms` (100 to an hour)
/// and `match` (`selector=regex,...`, the regexes RE2's).
[[nodiscard]] std::string fault_of_telemetry(const telemetry_config& config);

/// One subscription. Immutable.
class telemetry_subscription {
public:
  static constexpr int32_t interval_ms_default = 300'000;
  static constexpr int32_t interval_ms_min = 100;
  static constexpr int32_t interval_ms_max = 3'600'000;

  /// Precondition: fault_of_telemetry(config) is empty.
  explicit telemetry_subscription(const telemetry_config& config);

  /// Whether all its patterns match the client; without patterns it is for
  /// every client.
  [[nodiscard]] bool is_for(const telemetry_client& client) const;
  /// Prefixes of names; an empty one is for all.
  [[nodiscard]] const std::vector<std::string>& metrics() const {
    return metrics_;
  }
  [[nodiscard]] int32_t interval_ms() const {
    return interval_ms_;
  }

private:
  std::vector<std::string> metrics_;
  int32_t interval_ms_ = interval_ms_default;
  std::vector<std::pair<std::string, std::shared_ptr<const re2::RE2>>> match_;
};

/// What one client is asked for by all subscriptions that are for it.
struct telemetry_request {
  int32_t id = 0; ///< differs where anything else does
  std::vector<std::string> metrics;
  int32_t interval_ms = telemetry_subscription::interval_ms_default;

  bool operator==(const telemetry_request&) const = default;
};

/// @param all by name
[[nodiscard]] telemetry_request request_for(const telemetry_client& client,
  const std::map<std::string, telemetry_subscription>& all);

} // namespace millrace
