#pragma once

// One batch on its way into a log, and what became of it.

#include "schema/kafka_error.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

/// A record of a batch that was refused, by its place in the batch.
struct record_error {
  int32_t batch_index = 0;
  std::string message;
};

/// Who made a batch. Only a client's records are checked one by one, and only
/// a coordinator may append control batches and transactional ones.
enum class append_origin : uint8_t { client, coordinator };

/// One batch to append. `batch` and `origin` go in, the rest comes out.
struct append_item {
  /// Exactly one batch of format 2 (R15), and the block is the caller's to
  /// write: it is patched in place, or replaced by a re-coded one.
  shared_bytes batch;
  append_origin origin = append_origin::client;
  /// Of a control batch: what its producer does about epochs (KIP-890).
  int8_t transaction_version = 0;
  /// Whether a producer that the log does not know must begin at sequence 0.
  bool newcomers_begin_at_zero = false;

  kafka_error error = kafka_error::none;
  std::string message;
  std::vector<record_error> record_errors;
  /// The offset of the first record; of the original for a duplicate.
  offset base_offset{-1};
  /// Of the last record: the answer waits until it is below the high
  /// watermark, also for a duplicate (R13). Of a batch whose sequence leaves a
  /// gap: that of the producer's newest batch, -1 if none is known.
  offset last_offset{-1};
  /// -1 unless the log stamps the records itself.
  int64_t log_append_time = -1;
  /// The batch was in the log already; nothing was written.
  bool duplicate = false;
  /// Refused, as its producer should have sent something else before it.
  bool leaves_gap = false;
};

} // namespace millrace
