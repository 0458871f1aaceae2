#pragma once

// Walks the batches of a segment by their headers, and looks for the next
// sound batch behind bytes that make no sense.

#include "schema/file_slice.hpp"
#include "storage/record_batch.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace millrace {

/// A batch in a segment, and where it lies.
struct placed_batch {
  uint64_t position = 0;
  uint32_t size = 0;
  batch_view header;
};

/// Goes from batch to batch in [position, end) of one file.
class batch_walker {
public:
  static constexpr size_t read_ahead_default = 64u << 10;

  /// Precondition: `position` is where a batch begins.
  batch_walker(std::shared_ptr<const slice_source> source, uint64_t position,
    uint64_t end, size_t read_ahead = read_ahead_default);

  /// The next batch's header, valid until the next call; nullopt at the end.
  /// errc::corrupt when the bytes at position() are no header, or the batch
  /// would pass the end; then position() stays.
  result<std::optional<placed_batch>> next();

  /// All bytes of the batch that next() returned last, valid until its next
  /// call.
  result<std::span<const std::byte>> whole();

  /// Where the next call of next() looks.
  [[nodiscard]] uint64_t position() const {
    return position_;
  }

private:
  /// Makes buffer_ hold [at, at + size).
  result<void> fill(uint64_t at, size_t size);

  std::shared_ptr<const slice_source> source_;
  uint64_t position_;
  uint64_t end_;
  size_t read_ahead_;
  uint64_t last_position_ = 0;
  uint32_t last_size_ = 0;
  std::vector<std::byte> buffer_;
  uint64_t buffer_at_ = 0;
  size_t buffer_size_ = 0;
};

/// Where a batch with a right checksum begins at or after `from`, whose base
/// offset is `lowest` or higher. nullopt if there is none before `end`.
result<std::optional<uint64_t>> find_sound_batch(
  const std::shared_ptr<const slice_source>& source, uint64_t from,
  uint64_t end, offset lowest);

} // namespace millrace
