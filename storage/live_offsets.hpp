#pragma once

// Where in a range of offsets something stays, in 128 KiB however long the
// range is: neighbours share a bit, so that an answer errs towards staying.

#include "schema/types.hpp"

#include <cstdint>
#include <vector>

namespace millrace {

class live_offsets {
public:
  /// Forgets everything; for offsets from `first` up to `end`, exclusive.
  void reset(offset first, offset end);

  /// Precondition: reset(), and `at` is in its range.
  void note(offset at);
  /// Whether one from `first` to `last`, inclusive, may have been noted.
  /// Precondition: reset(), and both are in its range.
  [[nodiscard]] bool any_within(offset first, offset last) const;

private:
  [[nodiscard]] uint64_t bit_of(offset at) const {
    return static_cast<uint64_t>(at.value - first_.value) >> shift_;
  }

  offset first_{0};
  unsigned shift_ = 0; ///< so many offsets, as a power of two, share a bit
  std::vector<uint64_t> words_;
};

} // namespace millrace
