#pragma once

// The records of one batch as compaction sees them: where each begins and
// ends, its key, and whether it has a value. The memory is used again for the
// next batch.

#include "storage/compression.hpp"
#include "storage/record_batch.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace millrace {

struct record_span {
  /// All of the record, its length in front included.
  std::span<const std::byte> bytes;
  std::span<const std::byte> key;
  bool has_key = false;
  bool has_value = false;
  int32_t offset_delta = 0;
  int64_t timestamp_delta = 0;
};

class record_spans {
public:
  /// @param unfolded_bytes_max how far a batch's records may unfold
  explicit record_spans(size_t unfolded_bytes_max)
      : unfolded_bytes_max_(unfolded_bytes_max) {}

  /// Reads the records of a batch, which must outlive them. Errors: corrupt
  /// where they are not what the header says; too_large.
  /// Precondition: the batch is whole, and its checksum right.
  result<void> read(const batch_view& batch);

  /// Of the batch that was read last.
  [[nodiscard]] std::span<const record_span> records() const {
    return records_;
  }

private:
  result<std::span<const std::byte>> unfold(const batch_view& batch);

  size_t unfolded_bytes_max_;
  std::vector<std::byte> plain_;
  std::vector<record_span> records_;
};

} // namespace millrace
