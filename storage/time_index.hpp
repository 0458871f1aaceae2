#pragma once

// `<base>.timeindex`: the largest timestamp so far, and the last offset of
// the batch that brought it. docs/formats/segment-files.md.

#include "storage/segment_index.hpp"

namespace millrace {

/// 12 bytes, big-endian: everything in the segment before and in the batch
/// of `relative_offset` is not younger than `timestamp`.
struct time_entry {
  static constexpr size_t size = 12;

  int64_t timestamp = 0;
  int32_t relative_offset = 0;

  void store(std::byte* to) const;
  [[nodiscard]] static time_entry load(const std::byte* from);
  friend bool operator==(const time_entry&, const time_entry&) = default;
};

using time_index = segment_index<time_entry>;

} // namespace millrace
