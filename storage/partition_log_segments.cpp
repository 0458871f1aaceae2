#include "storage/partition_log.hpp"

#include <algorithm>
#include <utility>

namespace millrace {

result<void> partition_log::remove_if_there(const std::string& path) {
  cache_->forget(path);
  auto removed = cache_->files().remove(path);
  if (!removed && removed.error().code != errc::not_found)
    return removed;
  return {};
}

result<void> partition_log::start_segment(offset base, int64_t now_ms) {
  auto made = cache_->create(path_of(base, ".log"));
  if (!made)
    return made.error();
  if (config_.preallocate)
    MILLRACE_TRY(
      (*made)->reserve(0, static_cast<uint64_t>(config_.segment_bytes)));
  segments_.emplace_back(base, now_ms);
  writing_.reset();
  directory_dirty_ = true;
  return {};
}

result<void> partition_log::write_indexes(segment& s) {
  auto offsets = s.offsets.write(*cache_, path_of(s.base, ".index"));
  if (!offsets)
    return offsets.error();
  auto times = s.times.write(*cache_, path_of(s.base, ".timeindex"));
  if (!times)
    return times.error();
  dirty_.push_back(std::move(*offsets));
  dirty_.push_back(std::move(*times));
  directory_dirty_ = true;
  return write_aborted(s);
}

result<void> partition_log::write_aborted(segment& s) {
  // Nothing aborted is no file, as with Kafka.
  if (s.aborted.entries().empty())
    return remove_aborted(s);
  const auto path = path_of(s.base, ".txnindex");
  s.aborted_filed = true;
  auto made = cache_->create(path);
  if (!made)
    return made.error();
  cache_->forget(path); // nobody reads it before the next start
  const auto content = s.aborted.encode();
  MILLRACE_TRY((*made)->write_at(0, std::as_bytes(std::span{content})));
  dirty_.push_back(std::move(*made));
  directory_dirty_ = true;
  return {};
}

result<void> partition_log::remove_aborted(segment& s) {
  if (std::exchange(s.aborted_filed, false))
    return remove_if_there(path_of(s.base, ".txnindex"));
  return {};
}

result<void> partition_log::write_snapshot(offset at) {
  const auto path = path_of(at, ".snapshot");
  auto made = cache_->create(path);
  if (!made)
    return made.error();
  cache_->forget(path); // nobody reads it before the next start
  const auto content = producers_.encode();
  MILLRACE_TRY((*made)->write_at(0, std::as_bytes(std::span{content})));
  dirty_.push_back(std::move(*made));
  directory_dirty_ = true;
  last_snapshot_ = at;
  return {};
}

result<void> partition_log::roll(offset base, int64_t now_ms) {
  MILLRACE_ASSERT(base >= log_end_ && base > active().base,
    "a segment begins where the log ends, and is not empty");
  // What can fail comes first, so that a full disk leaves all as it was.
  active().close_times();
  MILLRACE_TRY(write_indexes(active()));
  MILLRACE_TRY(write_snapshot(base));
  if (auto started = start_segment(base, now_ms); !started) {
    // The file may have been made; an empty segment behind the active one
    // would be taken for the newest after a restart.
    if (segments_.back().base != base
        && !remove_if_there(path_of(base, ".log")))
      offline_ = true;
    return started;
  }
  auto& sealed = segments_[segments_.size() - 2];
  sealed.offsets.leave_to_file();
  sealed.times.leave_to_file();
  epochs_due_ = epochs_due_ || epochs_stale_;
  return {};
}

result<void> partition_log::roll_if_due(int64_t now_ms) {
  const auto& s = active();
  if (offline_ || s.size == 0)
    return {};
  // A first batch from the future, or from nowhere, is no start to count from.
  const bool usable = s.first_timestamp && *s.first_timestamp >= 0
                      && *s.first_timestamp <= now_ms;
  const int64_t since = usable ? *s.first_timestamp : s.created_ms;
  if (now_ms - since <= config_.segment_ms)
    return {};
  return roll(log_end_, now_ms);
}

result<void> partition_log::remove_segment_files(segment& s) {
  // The log goes last: an index without a log means nothing.
  MILLRACE_TRY(remove_aborted(s));
  for (const auto* kind : {".index", ".timeindex", ".log"})
    MILLRACE_TRY(remove_if_there(path_of(s.base, kind)));
  return {};
}

result<void> partition_log::drop_snapshots_above(offset end) {
  auto entries = cache_->files().list(directory_);
  if (!entries)
    return entries.error();
  for (const auto& entry : *entries)
    if (const auto at = parse_segment_name(entry.name, ".snapshot");
      at && *at > end)
      MILLRACE_TRY(remove_if_there(directory_ + "/" + entry.name));
  return {};
}

bool partition_log::restore_producers(std::string_view snapshot) {
  if (!producers_.restore(snapshot))
    return false;
  transactions_.restore(producers_);
  return true;
}

void partition_log::note_producer(const batch_view& batch, offset base,
  const std::optional<end_transaction_marker>& marker) {
  producers_.apply(batch, base);
  if (marker)
    producers_.note_coordinator(*marker);
  const auto ended = transactions_.apply(batch, base);
  if (ended && marker && !marker->commit)
    segments_[segment_of(ended->marker)].aborted.add(*ended);
}

result<void> partition_log::rebuild_producers() {
  auto entries = cache_->files().list(directory_);
  if (!entries)
    return entries.error();
  producers_.clear();
  transactions_.clear();
  last_snapshot_ = offset{-1};
  offset from = segments_.front().base;
  // From the newest; one that cannot be read is passed over (R14).
  for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
    const auto at = parse_segment_name(entry->name, ".snapshot");
    if (!at || *at > log_end_)
      continue;
    auto content = read_file(cache_->files(), directory_ + "/" + entry->name);
    if (!content || !restore_producers(*content))
      continue;
    last_snapshot_ = *at;
    from = std::max(from, *at);
    break;
  }
  for (size_t i = segment_of(from); i < segments_.size(); ++i) {
    const auto& s = segments_[i];
    auto begin = s.find(*cache_, directory_, from, floor_for(from, s));
    if (!begin)
      return begin.error();
    if (!*begin)
      continue;
    auto source = cache_->open(path_of(s.base, ".log"));
    if (!source)
      return source.error();
    batch_walker walker{*source, (*begin)->position, s.size};
    while (true) {
      auto batch = walker.next();
      if (!batch && batch.error().code != errc::corrupt)
        return batch.error();
      // Behind a hole of this segment nothing is replayed: its producers are
      // unknown then, and may start anywhere (R13).
      if (!batch || !*batch)
        break;
      const auto& header = (*batch)->header;
      if (header.base_offset() < from)
        continue;
      if (!header.is_control()) {
        note_producer(header, header.base_offset(), {});
        continue;
      }
      auto bytes = walker.whole(); // and `header` may be gone
      if (!bytes)
        return bytes.error();
      const batch_view whole{*bytes};
      note_producer(whole, whole.base_offset(), marker_in(whole));
    }
  }
  return {};
}

} // namespace millrace
