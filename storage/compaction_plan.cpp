#include "storage/compaction_plan.hpp"

#include "storage/time_index.hpp"

#include <algorithm>

namespace millrace {

double compaction_plan::dirty_ratio() const {
  const auto all = clean_bytes + dirty_bytes;
  return all == 0 ? 0
                  : static_cast<double>(dirty_bytes) / static_cast<double>(all);
}

std::optional<compaction_plan> plan_compaction(
  std::span<const compaction_candidate> sealed, const compaction_bounds& bounds,
  const log_config& config) {
  compaction_plan plan;
  plan.first_dirty = std::max(bounds.clean_until, bounds.log_start);
  plan.end = plan.first_dirty;
  for (const auto& s : sealed) {
    if (s.end > bounds.stable_end)
      break;
    const bool dirty = s.end > plan.first_dirty;
    if (dirty && config.min_compaction_lag_ms > 0
        && bounds.now_ms - s.youngest_ms < config.min_compaction_lag_ms)
      break;
    ++plan.segment_count;
    if (!dirty) {
      plan.clean_bytes += s.size;
      continue;
    }
    plan.dirty_bytes += s.size;
    plan.end = s.end;
    plan.overdue
      = plan.overdue
        || bounds.now_ms - s.oldest_ms > config.max_compaction_lag_ms;
  }
  if (plan.dirty_bytes == 0)
    return std::nullopt;
  return plan;
}

std::vector<segment_group> group_segments(
  std::span<const compaction_candidate> sealed, const log_config& config) {
  const auto bytes_max
    = static_cast<uint64_t>(std::min<int64_t>(config.segment_bytes, INT32_MAX));
  const auto interval
    = static_cast<uint64_t>(std::max<int64_t>(config.index_interval_bytes, 1));
  // An index gets an entry after so many bytes, and the time index a last one.
  const auto entries_max
    = static_cast<uint64_t>(config.segment_index_bytes) / time_entry::size;
  std::vector<segment_group> groups;
  uint64_t bytes = 0;
  for (size_t i = 0; i < sealed.size(); ++i) {
    const auto& s = sealed[i];
    const auto sum = bytes + s.size;
    const bool joins
      = !groups.empty() && sum <= bytes_max && sum / interval + 2 <= entries_max
        && s.end.value - 1 - sealed[groups.back().first].base.value
             <= INT32_MAX;
    if (joins) {
      ++groups.back().count;
      bytes = sum;
    } else {
      groups.push_back({i, 1});
      bytes = s.size;
    }
  }
  return groups;
}

} // namespace millrace
