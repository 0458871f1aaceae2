#pragma once

// Control batches: what a coordinator writes into a log to end a transaction
// there (KIP-98). docs/formats/record-batch.md has the grammar.

#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"
#include "storage/record_batch.hpp"

#include <cstdint>
#include <optional>

namespace millrace {

/// The end of a producer's transaction in one partition.
struct end_transaction_marker {
  producer_id producer{-1};
  int16_t epoch = -1;
  bool commit = false;
  /// The leader epoch of the coordinator's partition of __transaction_state;
  /// fences a deposed coordinator.
  int32_t coordinator_epoch = -1;

  bool operator==(const end_transaction_marker&) const = default;
};

/// The batch of one record that stands for `marker`, with base offset 0.
/// Precondition: the marker has a producer and an epoch.
[[nodiscard]] shared_bytes make_control_batch(
  const end_transaction_marker& marker, int64_t timestamp_ms);

/// The marker that a control batch holds; nothing for a control record of
/// another type, which is none of ours.
/// Preconditions: batch.is_control(), and size() bytes are there.
/// Errors: corrupt where it is not one uncompressed record with such a key
/// and value. A later version is read as the one that is known, as Kafka does.
[[nodiscard]] result<std::optional<end_transaction_marker>> read_control_batch(
  const batch_view& batch);

/// The same for any batch that is in a log: nothing also for one of data, and
/// for a control batch that others wrote in a form that makes no sense.
/// Precondition: size() bytes are there.
[[nodiscard]] std::optional<end_transaction_marker> marker_in(
  const batch_view& batch);

} // namespace millrace
