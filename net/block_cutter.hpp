#pragma once

// Cuts a byte stream into frames that tell their own length in their first
// bytes, and gives each a block of its own: aligned, so that it is read in
// place, and kept or let go without a thought for its neighbours. (The frames
// of frame_cutter.hpp share the chunk they were read into; they are short of
// life. What comes between nodes may stay.)

#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <span>

namespace millrace {

/// Says how long the frame is that begins with `begun`, its head included; 0
/// when more of it must be seen, which is never so with `head_bytes_max`.
/// An error refuses the stream.
using measure_frame
  = std::function<result<size_t>(std::span<const std::byte> begun)>;

/// The frames of one connection. Between frames it holds no memory; within
/// one, a block of the declared length if that is at most `trusted_bytes`,
/// else no more than about four times what has arrived.
class block_cutter {
public:
  static constexpr size_t head_bytes_max = 64;

  /// @param scratch where reads go that may bring several frames; shared by
  /// all cutters of a thread, as nothing stays in it
  block_cutter(std::span<std::byte> scratch, measure_frame measure,
    size_t trusted_bytes = 4u << 20);

  /// Where the next read goes; never empty.
  [[nodiscard]] std::span<std::byte> prepare();

  /// `size` bytes of the span last prepared have been filled: gives each
  /// frame that is now complete to `take`, until that returns false: then
  /// nothing more may be asked of this object.
  ///
  /// Errors: those of the measuring function; the same is so after one.
  [[nodiscard]] result<void> consume(
    size_t size, const std::function<bool(shared_bytes)>& take);

  /// After an error, or before the first frame: what has arrived of the frame
  /// under way, as far as its length was not known.
  [[nodiscard]] std::span<const std::byte> begun() const {
    return std::span{head_}.first(head_size_);
  }
  /// Whether a frame has begun and is not complete.
  [[nodiscard]] bool within_frame() const {
    return head_size_ > 0 || !frame_.empty();
  }
  /// Memory held for a frame that is not complete.
  [[nodiscard]] size_t held_bytes() const {
    return frame_.size();
  }

private:
  [[nodiscard]] result<size_t> begin(std::span<const std::byte> rest);
  void make_room();

  std::span<std::byte> scratch_;
  measure_frame measure_;
  size_t trusted_bytes_;
  // The beginning of a frame whose length is not known yet.
  std::array<std::byte, head_bytes_max> head_{};
  size_t head_size_ = 0;
  // The frame under way, once its length is known.
  shared_bytes frame_;
  size_t frame_size_ = 0;
  size_t have_ = 0;
  bool after_large_ = false;
};

} // namespace millrace
