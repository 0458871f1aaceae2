#include "storage/partition_log.hpp"

#include <algorithm>
#include <cstdint>

namespace millrace {

result<uint64_t> partition_log::sound_size(
  const segment& s, offset& end, bool lost_from_end) const {
  const uint64_t floor = floor_for(end, s);
  if (lost_from_end) {
    // What stands there is no batch that could be found: the one before is.
    if (end <= s.base)
      return 0;
    auto last = s.find(*cache_, directory_, end + int64_t{-1}, floor);
    if (!last)
      return last.error();
    if (!*last)
      return error{errc::corrupt,
        "the batch before offset " + std::to_string(end.value) + " is gone"};
    return (*last)->end;
  }
  auto first = s.find(*cache_, directory_, end, floor);
  if (!first)
    return first.error();
  if (!*first)
    return s.size;
  end = std::min(end, (*first)->base);
  return (*first)->position;
}

result<void> partition_log::truncate_to(offset end) {
  if (offline_)
    return error{errc::offline, to_string(name_) + " is offline"};
  if (end >= log_end_)
    return {};
  const auto* hole = lost_.holding(end);
  if (hole != nullptr)
    end = hole->first;
  if (end <= segments_.front().base)
    return reset_to(end, active().created_ms);
  // Whatever fails half way: only opening the log again knows what is there.
  const auto outcome = [&]() -> result<void> {
    ++generation_;
    revoke_compaction();
    MILLRACE_TRY(remove_swaps());
    const bool lost_from_end = hole != nullptr;
    if (lost_.truncate_to(end))
      MILLRACE_TRY(lost_.save(cache_->files(), directory_));
    const size_t keep = segment_of(end) + 1;
    while (segments_.size() > keep) {
      MILLRACE_TRY(remove_segment_files(segments_.back()));
      segments_.pop_back();
    }
    auto& s = active();
    writing_.reset();
    auto size = sound_size(s, end, lost_from_end);
    if (!size)
      return size.error();
    auto handle = active_file();
    if (!handle)
      return handle.error();
    // Behind the last sound batch the bytes of those that are lost may lie.
    auto there = (*handle)->size();
    if (!there)
      return there.error();
    log_end_ = end;
    if (*size < *there) {
      MILLRACE_TRY((*handle)->truncate(*size));
      mark_dirty(*handle);
    }
    if (!s.offsets.resident()) {
      MILLRACE_TRY(s.offsets.load(*cache_, path_of(s.base, ".index")));
      MILLRACE_TRY(s.times.load(*cache_, path_of(s.base, ".timeindex")));
    }
    s.aborted.truncate_to(end);
    MILLRACE_TRY(remove_aborted(s));
    for (const auto* kind : {".index", ".timeindex"})
      MILLRACE_TRY(remove_if_there(path_of(s.base, kind)));
    const bool broken = lost_.interrupt(s.base);
    if (broken) { // no walk goes across what is lost
      if (auto noted = s.rewind(*cache_, directory_, *size); !noted)
        return noted.error();
      s.size = *size;
    } else {
      MILLRACE_TRY(
        s.resume(*cache_, directory_, *size, config_.index_interval_bytes));
    }
    epochs_.truncate_to(log_end_);
    epochs_due_ = epochs_stale_ = true;
    MILLRACE_TRY(drop_snapshots_above(log_end_));
    MILLRACE_TRY(rebuild_producers());
    if (broken)
      MILLRACE_TRY(roll(log_end_, s.created_ms));
    log_start_ = std::min(log_start_, log_end_);
    durable_end_ = std::min(durable_end_, log_end_);
    directory_dirty_ = true;
    return sync_everything();
  }();
  if (!outcome)
    offline_ = true;
  return outcome;
}

result<void> partition_log::reset_to(offset start, int64_t now_ms) {
  if (offline_)
    return error{errc::offline, to_string(name_) + " is offline"};
  const auto outcome = [&]() -> result<void> {
    ++generation_;
    revoke_compaction();
    MILLRACE_TRY(remove_swaps());
    dirty_.clear();
    if (lost_.truncate_to(offset{-1}))
      MILLRACE_TRY(lost_.save(cache_->files(), directory_));
    while (!segments_.empty()) {
      MILLRACE_TRY(remove_segment_files(segments_.back()));
      segments_.pop_back();
    }
    MILLRACE_TRY(drop_snapshots_above(offset{-1}));
    producers_.clear();
    transactions_.clear();
    epochs_.clear();
    epochs_due_ = epochs_stale_ = true;
    last_snapshot_ = offset{-1};
    log_start_ = log_end_ = durable_end_ = start;
    MILLRACE_TRY(start_segment(start, now_ms));
    return sync_everything();
  }();
  if (!outcome)
    offline_ = true;
  return outcome;
}

} // namespace millrace
