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

/// What the client of a batch, or of offsets, that belong to a transaction
/// knows, by the version of its request.
enum class transaction_support : uint8_t {
  fatal_errors,     ///< every error about its transaction ends it
  abortable_errors, ///< it can abort, and go on (TRANSACTION_ABORTABLE)
  adds_partitions,  ///< it leaves it to servers to add partitions (KIP-890)
};

/// By the version of Produce, and of TxnOffsetCommit.
[[nodiscard]] transaction_support produce_support(int16_t version);
[[nodiscard]] transaction_support offset_commit_support(int16_t version);

/// What such a client is told when its coordinator, asked whether the
/// transaction has the partition, says `error`. What may pass, and
/// what it cannot know, is NOT_ENOUGH_REPLICAS: it tries again.
[[nodiscard]] kafka_error transaction_check_error(
  transaction_support client, kafka_error error);

/// PRODUCER_FENCED is INVALID_PRODUCER_EPOCH to clients before KIP-588, and
/// TRANSACTION_ABORTABLE is INVALID_TXN_STATE to those before KIP-890 (which
/// is fatal to them, where they know no better).
[[nodiscard]] kafka_error transaction_error(
  transaction_api api, int16_t version, kafka_error error);

} // namespace millrace
