#pragma once

// Goes from batch to batch of a segment while each is what was written: with
// its checksum, and with what no checksum covers, as the ones around it say.

#include "storage/epoch_cache.hpp"
#include "storage/segment_scan.hpp"

#include <memory>
#include <optional>

namespace millrace {

class checked_walk {
public:
  enum class step : uint8_t { sound, damaged, end };

  /// @param first the offset of the batch at `position`; nullopt: whatever it
  /// says
  /// @param epochs must outlive this
  checked_walk(std::shared_ptr<const slice_source> source, uint64_t position,
    uint64_t end, std::optional<offset> first, const epoch_cache& epochs)
      : walker_(std::move(source), position, end), position_(position),
        next_(first), epochs_(epochs) {}

  /// Goes past the next batch, if it is sound. Errors: those of the file.
  result<step> next();

  /// Behind the last sound batch: in the file,
  [[nodiscard]] uint64_t position() const {
    return position_;
  }
  /// and in the log; nullopt: there was none, and nobody has said it.
  [[nodiscard]] std::optional<offset> next_offset() const {
    return next_;
  }

private:
  [[nodiscard]] bool fits(const batch_view& batch) const;

  batch_walker walker_;
  uint64_t position_;
  std::optional<offset> next_;
  const epoch_cache& epochs_;
};

} // namespace millrace
