#pragma once

// The metrics that clients push (KIP-714), read from OpenTelemetry's protobuf
// and kept for the metrics page.

#include "cluster/telemetry_subscription.hpp"
#include "schema/result.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace millrace {

/// One number of one metric.
struct telemetry_sample {
  std::string name; ///< as the client says it: `org.apache.kafka.producer...`
  std::map<std::string, std::string> labels;
  double value = 0;
  /// It only ever grows, and `value` is what has come since the last push.
  bool is_delta = false;

  bool operator==(const telemetry_sample&) const = default;
};

/// Gauges and sums of a MetricsData; histograms and other kinds are passed
/// over, as Kafka's clients send none. Errors: corrupt.
[[nodiscard]] result<std::vector<telemetry_sample>> read_telemetry(
  std::span<const std::byte> metrics);

/// What clients have last said, bounded in clients and in numbers for each.
class telemetry_metrics {
public:
  static constexpr size_t clients_max = 1'000;
  static constexpr size_t series_max = 500; ///< of one client
  /// A client that says nothing for so many of its intervals is forgotten.
  static constexpr int64_t silent_intervals = 3;

  struct series {
    std::string name;
    std::map<std::string, std::string> labels;
    double value = 0;
    bool is_counter = false;
  };
  struct client {
    telemetry_client who;
    int64_t until_ms = 0;
    std::map<std::string, series> all; // by name and labels
  };

  /// @param now_ms monotonic
  void add(const telemetry_client& who,
    const std::vector<telemetry_sample>& samples, int32_t interval_ms,
    int64_t now_ms);
  /// Takes a client out that says that it goes.
  void remove(const uuid& instance_id);
  /// Those that are not forgotten, by instance.
  [[nodiscard]] std::map<uuid, client> clients(int64_t now_ms) const;

private:
  void forget_silent(int64_t now_ms);

  std::map<uuid, client> clients_;
};

} // namespace millrace
