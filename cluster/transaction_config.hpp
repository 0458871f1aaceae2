#pragma once

// What an operator may set about transactions, with Kafka's defaults.

#include <cstdint>

namespace millrace {

struct transaction_config {
  int32_t timeout_ms_max = 900'000; ///< transaction.max.timeout.ms
  /// transactional.id.expiration.ms
  int64_t id_expiration_ms = int64_t{7} * 24 * 60 * 60 * 1'000;
  /// transaction.remove.expired.transaction.cleanup.interval.ms
  int64_t expiry_check_interval_ms = 3'600'000;
  /// How long to wait before a record of the coordinator's own, which could
  /// not be written, is written again.
  int64_t retry_ms = 500;
  /// R19: how far the wall clock may gain on the monotonic one since the
  /// start before ids no longer expire by it.
  int64_t wall_clock_gain_ms_max = 60'000;
};

} // namespace millrace
