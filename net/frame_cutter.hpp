#pragma once

// Cuts a byte stream into frames: a length of four bytes, big-endian, then
// that many bytes. Frames are slices of the bytes that were read; only a frame
// that is not complete at the end of a read is copied, into a buffer of its
// own, whose rest is then read into directly.

#include "net/chunk_pool.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

/// The frames of one connection. Between frames it holds no buffer; within
/// one, never more than about four times what has arrived of it, whatever
/// length was declared (a peer cannot make this node allocate by four bytes).
class frame_cutter {
public:
  /// @param pool lives longer than this
  /// @param frame_bytes_max the largest length that is accepted
  frame_cutter(chunk_pool& pool, uint32_t frame_bytes_max);

  /// Where the next read goes; never empty.
  [[nodiscard]] std::span<std::byte> prepare();

  /// `size` bytes of the span last prepared have been filled: appends the
  /// frames that are now complete to `frames`, without their lengths.
  ///
  /// Errors: invalid_argument for a negative length, too_large for one above
  /// the limit; frames before it have been appended, and nothing more will
  /// come. Precondition: no earlier call failed.
  [[nodiscard]] result<void> consume(
    size_t size, std::vector<shared_bytes>& frames);

  /// After an error: what has arrived from the refused length on, for
  /// protocol_sniffer.hpp.
  [[nodiscard]] std::span<const std::byte> refused() const {
    return refused_.span();
  }

  /// What has arrived of the body of the frame under way; empty between frames,
  /// until its length is known, and after an error.
  [[nodiscard]] std::span<const std::byte> unfinished() const {
    return within_body() && refused_.empty() ? partial_.span().first(have_)
                                             : std::span<const std::byte>{};
  }
  /// The length that the frame under way declares. Precondition: unfinished()
  /// is not empty.
  [[nodiscard]] uint32_t declared_bytes() const {
    return frame_size_;
  }

  /// Whether a frame has begun and is not complete: the peer is slow, or was
  /// cut off.
  [[nodiscard]] bool within_frame() const {
    return head_size_ != 0;
  }
  /// Memory held for a frame that is not complete.
  [[nodiscard]] size_t held_bytes() const {
    return partial_.size();
  }

private:
  // The length is known, and some of the body is missing.
  [[nodiscard]] bool within_body() const {
    return head_size_ == head_.size();
  }
  [[nodiscard]] result<void> cut(
    shared_bytes bytes, std::vector<shared_bytes>& frames);
  [[nodiscard]] result<void> check_length() const;
  void keep_refused(std::span<const std::byte> rest);
  void begin_body(std::span<const std::byte> arrived);
  [[nodiscard]] size_t room_for(size_t arrived) const;
  void make_room();

  chunk_pool& pool_;
  uint32_t frame_bytes_max_;
  // The length of the frame under way, as far as it has arrived.
  std::array<std::byte, 4> head_{};
  uint8_t head_size_ = 0;
  // Of the frame under way, once its length is known.
  uint32_t frame_size_ = 0;
  uint32_t have_ = 0;
  shared_bytes partial_;
  shared_bytes refused_;
};

} // namespace millrace
