#pragma once

// The clients that are asked for their metrics (KIP-714), as one gateway sees
// them: who may ask and push, and when.

#include "cluster/telemetry_subscription.hpp"
#include "schema/kafka/get_telemetry_subscriptions.hpp"
#include "schema/kafka/push_telemetry.hpp"
#include "schema/kafka_error.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <string>

namespace millrace {

/// Pure: time comes with each call. Not durable: a client that is not known
/// is known again by its next request.
class telemetry_sessions {
public:
  static constexpr size_t clients_max = 16'384;

  /// The subscriptions from now on, by name.
  void set_subscriptions(std::map<std::string, telemetry_config> configs);

  /// @param client with the instance id of the request, or a new one if it
  /// has none
  /// @param bytes_max telemetry.max.bytes
  /// @param now_ms monotonic
  [[nodiscard]] kafka::get_telemetry_subscriptions_response ask(
    const telemetry_client& client, int32_t bytes_max, int64_t now_ms);

  /// Whether a push may be taken: invalid_request, throttling_quota_exceeded,
  /// unknown_subscription_id, unsupported_compression_type,
  /// telemetry_too_large.
  [[nodiscard]] kafka_error push(const telemetry_client& client,
    const kafka::push_telemetry_request& request, int32_t bytes_max,
    int64_t now_ms);

  /// How often the client is to push; the default if it is not known.
  [[nodiscard]] int32_t interval_ms(const telemetry_client& client) const;

  [[nodiscard]] size_t size() const {
    return sessions_.size();
  }

private:
  struct session {
    telemetry_request request;
    uint64_t version = 0; ///< of the subscriptions that `request` is from
    int64_t asked_ms = 0;
    int64_t pushed_ms = 0;
    bool has_asked = false;
    bool has_pushed = false;
    bool may_ask_again = false; ///< its last push was refused for that
    bool terminating = false;
    std::list<uuid>::iterator used;
  };

  session& find(const telemetry_client& client);
  [[nodiscard]] kafka_error judge(session& s,
    const kafka::push_telemetry_request& request, int32_t bytes_max,
    int64_t now_ms);

  std::map<std::string, telemetry_subscription> subscriptions_;
  uint64_t version_ = 1;
  std::map<uuid, session> sessions_;
  std::list<uuid> by_use_; // the longest unused first
};

} // namespace millrace
