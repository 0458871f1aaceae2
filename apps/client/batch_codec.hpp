#pragma once

// Between records and the record batches that cross the wire.

#include "apps/client/record.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"
#include "storage/log_config.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::client {

/// What makes a batch idempotent (KIP-98); the defaults make it none.
struct batch_producer {
  int64_t id = -1;
  int16_t epoch = -1;
  int32_t sequence = -1;
};

/// One batch of `records`, of which each has its timestamp. Precondition:
/// not empty. Errors: those of the codec.
[[nodiscard]] result<shared_bytes> encode_batch(
  std::span<const new_record> records, compression_codec codec,
  const batch_producer& producer);

/// What came with a fetch for one partition.
struct decoded_batches {
  std::vector<fetched_record> records; ///< topic and partition are not set
  /// Where the next fetch goes on; `from` when not one whole batch was there.
  int64_t next_offset = 0;
};

/// Takes whole batches apart; a part of one at the end is left out, and so
/// are control batches and what lies below `from`.
/// Errors: corrupt, naming the offset of the batch.
[[nodiscard]] result<decoded_batches> decode_batches(
  const shared_bytes& bytes, int64_t from);

} // namespace millrace::client
