#include "storage/partition_log.hpp"

#include <algorithm>

namespace millrace {

result<void> partition_log::truncate_to(offset end) {
  if (offline_)
    return error{errc::offline, to_string(name_) + " is offline"};
  if (end >= log_end_)
    return {};
  if (end <= segments_.front().base)
    return reset_to(end, active().created_ms);
  // Whatever fails half way: only opening the log again knows what is there.
  const auto outcome = [&]() -> result<void> {
    ++generation_;
    const size_t keep = segment_of(end) + 1;
    while (segments_.size() > keep) {
      MILLRACE_TRY(remove_segment_files(segments_.back()));
      segments_.pop_back();
    }
    auto& s = active();
    writing_.reset();
    auto first = s.find(*cache_, directory_, end, floor_for(end, s));
    if (!first)
      return first.error();
    auto handle = active_file();
    if (!handle)
      return handle.error();
    log_end_ = end;
    uint64_t size = s.size;
    if (*first) {
      size = (*first)->position;
      log_end_ = std::min(end, (*first)->base);
      MILLRACE_TRY((*handle)->truncate(size));
      mark_dirty(*handle);
    }
    if (!s.offsets.resident()) {
      MILLRACE_TRY(s.offsets.load(*cache_, path_of(s.base, ".index")));
      MILLRACE_TRY(s.times.load(*cache_, path_of(s.base, ".timeindex")));
    }
    for (const auto* kind : {".index", ".timeindex"})
      MILLRACE_TRY(remove_if_there(path_of(s.base, kind)));
    MILLRACE_TRY(
      s.resume(*cache_, directory_, size, config_.index_interval_bytes));
    epochs_.truncate_to(log_end_);
    epochs_due_ = epochs_stale_ = true;
    MILLRACE_TRY(drop_snapshots_above(log_end_));
    MILLRACE_TRY(rebuild_producers());
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
    dirty_.clear();
    while (!segments_.empty()) {
      MILLRACE_TRY(remove_segment_files(segments_.back()));
      segments_.pop_back();
    }
    MILLRACE_TRY(drop_snapshots_above(offset{-1}));
    producers_.clear();
    epochs_.clear();
    epochs_due_ = epochs_stale_ = true;
    holes_.clear();
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
