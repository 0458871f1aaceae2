#pragma once

// What of a log is to be compacted, and when it is worth while. Pure: the log
// says what it has, the owner what time it is.
//
// A log has a clean part, in which compaction has seen every key, and a dirty
// one behind it, up to where it may be touched at all: not in the active
// segment, not from the last stable offset on (nobody knows there what stays),
// and not where records are too young.

#include "schema/types.hpp"
#include "storage/log_config.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace millrace {

/// A sealed segment.
struct compaction_candidate {
  offset base;
  offset end;
  uint64_t size = 0;
  /// Its first batch's timestamp and the largest in it, or when it was made if
  /// there is none.
  int64_t oldest_ms = 0;
  int64_t youngest_ms = 0;
};

struct compaction_bounds {
  offset log_start{0};
  /// Where the dirty part begins, as was noted by the last pass.
  offset clean_until{0};
  /// The last stable offset.
  offset stable_end{0};
  int64_t now_ms = 0;
};

struct compaction_plan {
  /// So many segments from the first on take part.
  size_t segment_count = 0;
  /// The dirty part.
  offset first_dirty{0};
  offset end{0};
  uint64_t clean_bytes = 0;
  uint64_t dirty_bytes = 0;
  /// Something in it is older than `max.compaction.lag.ms`.
  bool overdue = false;

  [[nodiscard]] double dirty_ratio() const;
  /// Whether it should be done now.
  [[nodiscard]] bool due(const log_config& config) const {
    return overdue
           || (dirty_bytes > 0
               && dirty_ratio() > config.min_cleanable_dirty_ratio);
  }
};

/// What could be compacted; nullopt if nothing is dirty.
/// @param sealed the sealed segments, in order
[[nodiscard]] std::optional<compaction_plan> plan_compaction(
  std::span<const compaction_candidate> sealed, const compaction_bounds& bounds,
  const log_config& config);

/// Segments that become one.
struct segment_group {
  size_t first = 0;
  size_t count = 0;
};

/// Joins neighbours while one segment could hold what all of them do now:
/// bytes, index entries and the distance of offsets.
[[nodiscard]] std::vector<segment_group> group_segments(
  std::span<const compaction_candidate> sealed, const log_config& config);

} // namespace millrace
