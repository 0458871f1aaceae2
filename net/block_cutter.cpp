#include "net/block_cutter.hpp"

#include "schema/assert.hpp"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

/// After a frame longer than this, one like it is expected: only its head is
/// read into the scratch, and the rest where it belongs, without a copy.
constexpr size_t large_bytes = 64 * 1024;
constexpr size_t expected_head = 4096;
constexpr size_t growth = 4;

} // namespace

block_cutter::block_cutter(
  std::span<std::byte> scratch, measure_frame measure, size_t trusted_bytes)
    : scratch_(scratch), measure_(std::move(measure)),
      trusted_bytes_(trusted_bytes) {
  MILLRACE_ASSERT(
    scratch.size() >= expected_head, "a read has room for a head at least");
}

std::span<std::byte> block_cutter::prepare() {
  if (frame_.empty())
    return after_large_ ? scratch_.first(expected_head) : scratch_;
  make_room();
  return frame_.writable().subspan(have_);
}

result<void> block_cutter::consume(
  size_t size, const std::function<bool(shared_bytes)>& take) {
  std::span<const std::byte> rest;
  if (frame_.empty())
    rest = scratch_.first(size);
  else
    have_ += size;
  for (;;) {
    if (frame_.empty()) {
      if (rest.empty())
        return {};
      const auto used = begin(rest);
      if (!used)
        return used.error();
      rest = rest.subspan(*used);
      if (frame_.empty())
        return {}; // too little to know its length
    }
    if (have_ < frame_size_)
      return {};
    after_large_ = frame_size_ > large_bytes;
    have_ = 0;
    if (!take(std::exchange(frame_, {})))
      return {};
  }
}

// Takes from `rest` what belongs to the next frame, as far as it is there.
// Returns how much that was; the frame has its block if its length is known.
result<size_t> block_cutter::begin(std::span<const std::byte> rest) {
  const size_t before = head_size_;
  const size_t looked = std::min(head_.size() - before, rest.size());
  std::memcpy(head_.data() + before, rest.data(), looked);
  head_size_ += looked;
  const auto total = measure_(begun());
  if (!total)
    return total.error();
  if (*total == 0) {
    MILLRACE_ASSERT(
      head_size_ < head_.size(), "a head tells the length of its frame");
    return looked;
  }
  // What was looked at before did not tell the length, so it is all of this
  // frame.
  MILLRACE_ASSERT(*total > before, "a frame is longer than a part of its head");
  frame_size_ = *total;
  const size_t used = std::min(frame_size_ - before, rest.size());
  have_ = before + used;
  const size_t room = std::max(trusted_bytes_, growth * have_);
  frame_ = shared_bytes::allocate(std::min(frame_size_, room));
  std::memcpy(frame_.data(), head_.data(), before);
  std::memcpy(frame_.data() + before, rest.data(), used);
  head_size_ = 0;
  return used;
}

void block_cutter::make_room() {
  if (frame_.size() > have_)
    return;
  auto larger = shared_bytes::allocate(std::min(frame_size_, growth * have_));
  std::memcpy(larger.data(), frame_.data(), have_);
  frame_ = std::move(larger);
}

} // namespace millrace
