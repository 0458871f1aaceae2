#pragma once

// Walks the records of a batch without keeping them: what validation needs
// of each, read from plain bytes in one pass or from a codec in steps.

#include "storage/compression.hpp"
#include "storage/record_batch.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace millrace {

/// What is left of a record when its key, value and headers are skipped.
struct record_head {
  int64_t timestamp_delta = 0;
  int32_t offset_delta = 0;
  int32_t key_size = -1; ///< -1: null
  int32_t value_size = -1;
};

/// Reads the records of one batch, first to last.
class record_cursor {
public:
  /// Records that are not compressed. They outlive the cursor.
  explicit record_cursor(std::span<const std::byte> plain);
  /// Decompresses as it goes, no further than `size_max` bytes.
  record_cursor(
    compression_codec codec, std::span<const std::byte> input, size_t size_max);
  record_cursor(const record_cursor&) = delete;
  record_cursor& operator=(const record_cursor&) = delete;

  /// Whether there was a record. False at the end and on failure.
  bool next(record_head& head);

  /// After next() was false: no error, errc::corrupt or errc::too_large.
  [[nodiscard]] const error& failure() const {
    return failure_;
  }

private:
  bool fail(const char* what);
  /// Makes `size` bytes available at at_ if the records have as many;
  /// precondition: not more than the window holds.
  bool ensure(size_t size);
  template <class T>
  bool take(T& value, int64_t& left);
  bool skip(int64_t size, int64_t& left);
  bool next_in_steps(record_head& head, int64_t size);

  std::unique_ptr<decompressor> reader_; // null for plain bytes
  std::vector<std::byte> window_;
  const std::byte* at_ = nullptr;
  const std::byte* end_ = nullptr;
  size_t size_left_ = 0; // how many bytes more the reader may bring
  bool reader_ended_ = true;
  error failure_;
};

} // namespace millrace
