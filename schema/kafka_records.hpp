#pragma once

// The records of a produce or a fetch as they cross the wire: record batches
// that nobody copies on the way.

#include "schema/file_slice.hpp"
#include "schema/shared_bytes.hpp"

#include <cstddef>
#include <vector>

namespace millrace::kafka {

/// Record batches one after the other: a slice of the frame that carried
/// them, or ranges of segment files (R18). Null and empty differ on the wire.
struct records {
  bool is_null = false;
  shared_bytes bytes;
  /// Follow `bytes`.
  std::vector<file_slice> slices;

  /// Bytes on the wire, without the length in front.
  [[nodiscard]] size_t size() const;
};

/// Compares the bytes, and the slices by where they lie.
[[nodiscard]] bool operator==(const records& a, const records& b);

} // namespace millrace::kafka
