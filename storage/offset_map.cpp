#include "storage/offset_map.hpp"

#include "schema/assert.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace millrace {

void offset_map::reset(offset first, uint64_t keys, size_t bytes_max) {
  first_ = first;
  size_ = 0;
  constexpr uint64_t least = 64;
  const uint64_t most = std::max<uint64_t>(bytes_max / slot_size, least);
  const uint64_t wanted
    = keys >= most ? most : std::clamp(keys + keys / 7 + 1, least, most);
  // One that is a little too large is not made anew.
  if (wanted > count_ || wanted < count_ / 2) {
    slots_.reset();
    count_ = wanted;
    slots_ = std::make_unique<slot[]>(count_);
  } else {
    std::fill_n(slots_.get(), count_, slot{});
  }
  room_ = count_ - count_ / 8;
}

key_hash offset_map::hash(std::span<const std::byte> key) const {
  const auto h = XXH3_128bits_withSeed(key.data(), key.size(), seed_);
  return {h.high64, h.low64};
}

void offset_map::put(const key_hash& key, offset at) {
  MILLRACE_ASSERT(at >= first_ && has_room(1, at), "the key has room");
  const uint64_t tag = key.low << offset_bits;
  const uint64_t relative = static_cast<uint64_t>(at.value - first_.value) + 1;
  for (size_t i = place(key);; i = i + 1 == count_ ? 0 : i + 1) {
    auto& s = slots_[i];
    if (s.rest == 0) {
      s = {key.high, tag | relative};
      ++size_;
      --room_;
      return;
    }
    if (s.high == key.high && (s.rest >> offset_bits) == (tag >> offset_bits)) {
      s.rest = std::max(s.rest, tag | relative);
      return;
    }
  }
}

offset offset_map::newest(const key_hash& key) const {
  const uint64_t tag = key.low << offset_bits;
  for (size_t i = place(key);; i = i + 1 == count_ ? 0 : i + 1) {
    const auto& s = slots_[i];
    if (s.rest == 0)
      return offset{-1};
    if (s.high == key.high && (s.rest >> offset_bits) == (tag >> offset_bits))
      return offset_of(s);
  }
}

} // namespace millrace
