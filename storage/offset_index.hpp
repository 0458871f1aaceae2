#pragma once

// `<base>.index`: where in the segment the batch with a given last offset
// begins. docs/formats/segment-files.md.

#include "storage/segment_index.hpp"

namespace millrace {

/// 8 bytes, big-endian: the last offset of a batch less the segment's base,
/// and the position of that batch.
struct offset_entry {
  static constexpr size_t size = 8;

  int32_t relative_offset = 0;
  int32_t position = 0;

  void store(std::byte* to) const;
  [[nodiscard]] static offset_entry load(const std::byte* from);
  friend bool operator==(const offset_entry&, const offset_entry&) = default;
};

using offset_index = segment_index<offset_entry>;

} // namespace millrace
