#include "storage/partition_log.hpp"

#include <algorithm>

namespace millrace {

std::optional<offset> partition_log::begin_retention(
  int64_t now_ms, offset limit) {
  if (offline_)
    return {};
  limit = std::min(limit, log_end_);
  offset start = log_start_;
  uint64_t bytes = size_bytes();
  const auto too_much = [&](uint64_t gone) {
    return config_.retention_bytes >= 0
           && bytes >= gone + static_cast<uint64_t>(config_.retention_bytes);
  };
  for (size_t i = 0; i < segments_.size(); ++i) {
    auto& s = segments_[i];
    if (s.size == 0 || end_of(i) > limit)
      break;
    // A segment that cannot be read stays; whoever reads it learns why.
    const auto youngest = s.find_largest(*cache_, directory_);
    if (!youngest)
      break;
    const int64_t since
      = youngest->timestamp >= 0 ? youngest->timestamp : s.created_ms;
    const bool expired
      = config_.retention_ms >= 0 && now_ms - since > config_.retention_ms;
    const bool sealed = i + 1 < segments_.size();
    if (!expired && !(sealed && too_much(s.size)) && end_of(i) > log_start_)
      break;
    bytes -= s.size;
    start = std::max(start, end_of(i));
  }
  bool gone = false; // a segment below the log start is still there
  if (segments_.size() > 1)
    gone = segments_[1].base <= log_start_;
  if (start == log_start_ && !gone)
    return {};
  return start;
}

result<partition_log::removal> partition_log::finish_retention(
  offset start, int64_t now_ms) {
  if (offline_)
    return error{errc::offline, to_string(name_) + " is offline"};
  log_start_ = std::max(log_start_, std::min(start, log_end_));
  // Up to where a segment's name and its snapshot, which holds what the
  // segments that go knew of producers (R14), are durable for sure: if
  // something in it is.
  offset below = std::min(log_start_, durable_end_ + int64_t{-1});
  if (log_start_ == log_end_) {
    if (active().size > 0)
      MILLRACE_TRY(roll(log_end_, now_ms));
    MILLRACE_TRY(sync_everything());
    below = log_end_;
  }
  if (epochs_.entries().size() > 1) {
    const auto before = epochs_.entries().size();
    epochs_.advance_start(log_start_);
    epochs_stale_ = epochs_stale_ || epochs_.entries().size() != before;
  }
  removal out;
  auto& files = cache_->files();
  while (segments_.size() > 1 && segments_[1].base <= below) {
    const auto& s = segments_.front();
    for (const std::string_view kind :
      {".log", ".index", ".timeindex", ".txnindex", ".snapshot"}) {
      if (kind == ".txnindex" && !s.aborted_filed)
        continue;
      const auto path = path_of(s.base, kind);
      cache_->forget(path);
      auto renamed = files.rename(path, path + ".deleted");
      if (renamed)
        out.paths_to_remove.push_back(path + ".deleted");
      else if (renamed.error().code != errc::not_found)
        return renamed.error();
    }
    segments_.erase(segments_.begin());
  }
  lost_.advance_start(log_start_);
  return out;
}

result<partition_log::removal> partition_log::delete_records(
  offset before, int64_t now_ms) {
  if (before < log_start_ || before > log_end_)
    return error{errc::out_of_range,
      to_string(name_) + ": offset " + std::to_string(before.value)
        + " is not within " + std::to_string(log_start_.value) + " to "
        + std::to_string(log_end_.value)};
  return finish_retention(before, now_ms);
}

} // namespace millrace
