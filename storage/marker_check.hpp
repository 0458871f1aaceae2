#pragma once

// Decides whether the end of a transaction may be written into a log.

#include "schema/kafka_error.hpp"
#include "storage/control_batch.hpp"
#include "storage/producer_state.hpp"

#include <cstdint>
#include <string>

namespace millrace {

/// What becomes of a marker: written, or refused.
struct marker_verdict {
  kafka_error error = kafka_error::none;
  std::string message;
};

/// Judges the end of a producer's transaction by what is known of it.
///
/// TRANSACTION_COORDINATOR_FENCED: another coordinator has written since.
/// INVALID_PRODUCER_EPOCH: the producer has a higher epoch; or the same, with
/// a transaction open in it, and a client of transaction version 2. The marker
/// of such a transaction has the epoch of the next one: it is late, and would
/// end what it does not belong to (KIP-890). One that comes again, as its
/// answer was lost, is written again: it ends nothing then.
[[nodiscard]] marker_verdict judge_marker(const producer_entry* known,
  const end_transaction_marker& marker, int8_t transaction_version);

} // namespace millrace
