#include "net/frame_cutter.hpp"

#include "schema/assert.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace millrace {

namespace {

constexpr size_t head_bytes = 4;
/// The first buffer of a frame of which next to nothing has arrived.
constexpr size_t first_room = 4096;
/// Room for this many times what has arrived: frames up to some chunks long
/// are copied at most once more.
constexpr size_t growth = 4;
/// What is kept of a refused stream, for a look at what it may be.
constexpr size_t refused_bytes_max = 1024;

uint32_t big_endian(const std::byte* at) {
  uint32_t value = 0;
  for (size_t i = 0; i < head_bytes; ++i)
    value = value << 8 | std::to_integer<uint32_t>(at[i]);
  return value;
}

} // namespace

frame_cutter::frame_cutter(chunk_pool& pool, uint32_t frame_bytes_max)
    : pool_(pool), frame_bytes_max_(frame_bytes_max) {}

std::span<std::byte> frame_cutter::prepare() {
  if (!within_body())
    return pool_.free_space();
  make_room();
  return partial_.writable().subspan(have_);
}

result<void> frame_cutter::consume(
  size_t size, std::vector<shared_bytes>& frames) {
  MILLRACE_ASSERT(refused_.empty(), "a refused stream is not read on");
  if (!within_body())
    return cut(pool_.take(size), frames);
  MILLRACE_ASSERT(
    size <= partial_.size() - have_, "no more was read than was prepared");
  have_ += static_cast<uint32_t>(size);
  if (have_ == frame_size_) {
    // Grown to the frame's exact size by now, see make_room().
    frames.push_back(std::move(partial_));
    head_size_ = 0;
  }
  return {};
}

result<void> frame_cutter::cut(
  shared_bytes bytes, std::vector<shared_bytes>& frames) {
  size_t at = 0;
  while (at < bytes.size()) {
    auto wanted = std::min(head_bytes - head_size_, bytes.size() - at);
    std::memcpy(head_.data() + head_size_, bytes.data() + at, wanted);
    head_size_ += static_cast<uint8_t>(wanted);
    at += wanted;
    if (head_size_ < head_bytes)
      break;
    frame_size_ = big_endian(head_.data());
    auto rest = bytes.span().subspan(at);
    if (auto checked = check_length(); !checked) {
      keep_refused(rest);
      return checked;
    }
    if (rest.size() < frame_size_) {
      begin_body(rest);
      break;
    }
    frames.push_back(bytes.slice(at, frame_size_));
    at += frame_size_;
    head_size_ = 0;
  }
  return {};
}

result<void> frame_cutter::check_length() const {
  if (frame_size_ <= frame_bytes_max_)
    return {};
  auto declared = static_cast<int32_t>(frame_size_);
  if (declared < 0)
    return error{errc::invalid_argument,
      "a frame declares a negative length, " + std::to_string(declared)};
  return error{errc::too_large, "a frame declares " + std::to_string(declared)
                                  + " bytes, and the limit is "
                                  + std::to_string(frame_bytes_max_)};
}

void frame_cutter::keep_refused(std::span<const std::byte> rest) {
  auto kept = std::min(rest.size(), refused_bytes_max);
  refused_ = shared_bytes::allocate(head_bytes + kept);
  std::memcpy(refused_.data(), head_.data(), head_bytes);
  std::copy_n(rest.begin(), kept, refused_.data() + head_bytes);
}

void frame_cutter::begin_body(std::span<const std::byte> arrived) {
  have_ = 0;
  // The length alone makes no buffer: the body may never come.
  if (arrived.empty())
    return;
  have_ = static_cast<uint32_t>(arrived.size());
  partial_ = shared_bytes::allocate(room_for(have_));
  std::memcpy(partial_.data(), arrived.data(), arrived.size());
}

size_t frame_cutter::room_for(size_t arrived) const {
  return std::min<size_t>(frame_size_, std::max(first_room, growth * arrived));
}

void frame_cutter::make_room() {
  if (partial_.size() > have_)
    return;
  auto larger = shared_bytes::allocate(room_for(have_));
  if (have_ > 0)
    std::memcpy(larger.data(), partial_.data(), have_);
  partial_ = std::move(larger);
}

} // namespace millrace
