#pragma once

// Which code a client of a version understands (KIP-588, KIP-890).

#include "schema/kafka_error.hpp"

#include <cstdint>

namespace millrace {

/// The requests whose codes depend on their version.
enum class transaction_api : uint8_t {
  init_producer_id,
  add_partitions,
  add_offsets,
  end,
};

/// PRODUCER_FENCED is INVALID_PRODUCER_EPOCH to clients before KIP-588, and
/// TRANSACTION_ABORTABLE is INVALID_TXN_STATE to those before KIP-890 (which
/// is fatal to them, where they know no better).
[[nodiscard]] kafka_error transaction_error(
  transaction_api api, int16_t version, kafka_error error);

} // namespace millrace
