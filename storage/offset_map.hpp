#pragma once

// The newest offset of each key, in bounded memory: what compaction decides
// by. A key is known by a hash of 88 bits and by where it lies; two that share
// both do not come up in the life of a cluster.
//
// 16 bytes for each key, so that four slots share a cache line, and a table
// that is filled to 7/8 at most: 256 MiB hold 14 million keys. Whoever has more
// goes over the log several times.

#include "schema/types.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace millrace {

struct key_hash {
  uint64_t high = 0;
  uint64_t low = 0;
};

class offset_map {
public:
  static constexpr size_t slot_size = 16;

  /// @param seed any; another one for each run, so that nobody can prepare
  /// keys that meet
  explicit offset_map(uint64_t seed) : seed_(seed) {}

  /// Forgets everything, and takes offsets from `first` on of `keys` keys, or
  /// of as many as fit into `bytes_max`.
  void reset(offset first, uint64_t keys, size_t bytes_max);

  [[nodiscard]] key_hash hash(std::span<const std::byte> key) const;

  /// Whether `keys` more keys fit, with offsets up to `last`.
  [[nodiscard]] bool has_room(uint64_t keys, offset last) const {
    return keys <= room_ && last.value - first_.value < reach;
  }
  /// Fetches the memory that put() or newest() is going to look at.
  void prefetch(const key_hash& key) const {
    __builtin_prefetch(&slots_[place(key)]);
  }
  /// Notes that the key is at `at`: keeps the larger offset.
  /// Precondition: has_room(1, at), and `at` is not below the first one.
  void put(const key_hash& key, offset at);
  /// Where the key is newest; -1 if it is not here. Precondition: reset().
  [[nodiscard]] offset newest(const key_hash& key) const;

  /// Calls `take` with the newest offset of each key, in no order.
  template <class Take>
  void for_each_newest(Take take) const {
    for (uint64_t i = 0; i < count_; ++i)
      if (slots_[i].rest != 0)
        take(offset_of(slots_[i]));
  }

  [[nodiscard]] uint64_t size() const {
    return size_;
  }
  [[nodiscard]] size_t memory_bytes() const {
    return count_ * slot_size;
  }

private:
  static constexpr unsigned offset_bits = 40;
  static constexpr int64_t reach = (int64_t{1} << offset_bits) - 1;

  /// `rest`: 24 bits of the hash, then the offset above the first one, plus 1;
  /// 0 for an empty slot.
  struct slot {
    uint64_t high = 0;
    uint64_t rest = 0;
  };

  [[nodiscard]] size_t place(const key_hash& key) const {
    return static_cast<size_t>(
      (static_cast<unsigned __int128>(key.low) * count_) >> 64);
  }

  [[nodiscard]] offset offset_of(const slot& s) const {
    constexpr uint64_t mask = (uint64_t{1} << offset_bits) - 1;
    return first_ + static_cast<int64_t>((s.rest & mask) - 1);
  }

  uint64_t seed_;
  offset first_{0};
  std::unique_ptr<slot[]> slots_;
  uint64_t count_ = 0;
  uint64_t room_ = 0;
  uint64_t size_ = 0;
};

} // namespace millrace
