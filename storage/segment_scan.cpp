#include "storage/segment_scan.hpp"

#include "schema/assert.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace millrace {

batch_walker::batch_walker(std::shared_ptr<const slice_source> source,
  uint64_t position, uint64_t end, size_t read_ahead)
    : source_(std::move(source)), position_(position), end_(end),
      read_ahead_(std::max(read_ahead, batch_view::header_size)) {}

result<std::optional<placed_batch>> batch_walker::next() {
  if (position_ >= end_)
    return std::optional<placed_batch>{};
  const auto bad = [&](const char* why) {
    return error{
      errc::corrupt, "byte " + std::to_string(position_) + ": " + why};
  };
  if (end_ - position_ < batch_view::header_size)
    return bad("the segment ends within a header");
  MILLRACE_TRY(fill(position_, batch_view::header_size));
  const batch_view view{std::span{buffer_}.subspan(
    position_ - buffer_at_, batch_view::header_size)};
  if (!view.plausible())
    return bad("not the header of a record batch");
  if (static_cast<uint64_t>(view.size()) > end_ - position_)
    return bad("the segment ends within a batch");
  last_position_ = position_;
  last_size_ = static_cast<uint32_t>(view.size());
  position_ += last_size_;
  return std::optional{placed_batch{last_position_, last_size_, view}};
}

result<std::span<const std::byte>> batch_walker::whole() {
  MILLRACE_ASSERT(last_size_ > 0, "next() has returned a batch");
  MILLRACE_TRY(fill(last_position_, last_size_));
  return std::span<const std::byte>{buffer_}.subspan(
    last_position_ - buffer_at_, last_size_);
}

result<void> batch_walker::fill(uint64_t at, size_t size) {
  if (at >= buffer_at_ && at + size <= buffer_at_ + buffer_size_)
    return {};
  const size_t wanted = std::min<uint64_t>(
    std::max(size, read_ahead_), std::max<uint64_t>(end_ - at, size));
  if (buffer_.size() < wanted)
    buffer_.resize(wanted);
  buffer_size_ = 0;
  auto got = source_->read_at(at, std::span{buffer_}.first(wanted));
  if (!got)
    return got.error();
  buffer_at_ = at;
  buffer_size_ = *got;
  if (*got < size)
    return error{errc::corrupt,
      "byte " + std::to_string(at) + ": the file is shorter than it was"};
  return {};
}

namespace {

/// Whether a whole batch with a right checksum lies at `at`.
result<bool> is_sound(const slice_source& source, uint64_t at, uint64_t end,
  std::span<const std::byte> header, offset lowest,
  std::vector<std::byte>& scratch) {
  const batch_view view{header};
  if (!view.plausible() || static_cast<uint64_t>(view.size()) > end - at
      || view.base_offset() < lowest)
    return false;
  scratch.resize(static_cast<size_t>(view.size()));
  auto got = source.read_at(at, scratch);
  if (!got)
    return got.error();
  if (*got < scratch.size())
    return false;
  const batch_view whole{scratch};
  return whole.crc() == whole.computed_crc();
}

} // namespace

result<std::optional<uint64_t>> find_sound_batch(
  const std::shared_ptr<const slice_source>& source, uint64_t from,
  uint64_t end, offset lowest) {
  constexpr size_t magic_at = 16;
  std::vector<std::byte> window(256u << 10);
  std::vector<std::byte> scratch;
  while (from + batch_view::header_size <= end) {
    const auto part = std::min<uint64_t>(window.size(), end - from);
    auto got = source->read_at(from, std::span{window}.first(part));
    if (!got)
      return got.error();
    if (*got < batch_view::header_size)
      break;
    const size_t last = *got - batch_view::header_size;
    for (size_t i = 0; i <= last; ++i) {
      if (window[i + magic_at] != std::byte{2})
        continue;
      auto sound = is_sound(*source, from + i, end,
        std::span{window}.subspan(i, batch_view::header_size), lowest, scratch);
      if (!sound)
        return sound.error();
      if (*sound)
        return std::optional{from + i};
    }
    from += last + 1;
  }
  return std::optional<uint64_t>{};
}

} // namespace millrace
