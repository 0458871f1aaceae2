#include "storage/partition_log_recovery.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace millrace {

namespace {

std::string describe(offset first, offset end) {
  return "offsets " + std::to_string(first.value) + " to "
         + std::to_string(end.value - 1);
}

} // namespace

result<std::optional<uint64_t>> partition_log::recovery::bad_bytes(size_t index,
  const std::shared_ptr<file>& source, uint64_t position, uint64_t end) {
  auto& s = log_.segments_[index];
  const offset expected = log_.log_end_;
  if (expected >= hint_) {
    s.size = end;
    MILLRACE_TRY(cut(index, position));
    return std::optional<uint64_t>{};
  }
  auto run = find_run(index, source, position + 1, end);
  if (!run)
    return run.error();
  // Bytes from elsewhere may lie here, sound in themselves. What goes on
  // behind them tells: offsets rise.
  while (*run && (*run)->stop < end) {
    auto next = find_run(index, source, (*run)->stop, end);
    if (!next)
      return next.error();
    if (!*next || (*next)->first >= (*run)->after)
      break;
    run = std::move(next);
  }
  if (!*run)
    // The next segment, or the hint, tells what is lost. The bytes stay.
    return std::optional<uint64_t>{};
  MILLRACE_TRY(refuse({expected, (*run)->first, s.base, (*run)->position}));
  log_.log_end_ = (*run)->first;
  return std::optional{(*run)->position};
}

result<std::optional<partition_log::recovery::sound_run>>
partition_log::recovery::find_run(size_t index,
  const std::shared_ptr<file>& source, uint64_t from, uint64_t end) const {
  while (true) {
    // Where offsets are missing, so that a search finds where to go on.
    auto sound
      = find_sound_batch(source, from, end, log_.log_end_ + int64_t{1});
    if (!sound)
      return sound.error();
    if (!*sound)
      return std::optional<sound_run>{};
    std::optional<sound_run> run;
    batch_walker walker{source, **sound, end};
    while (true) {
      auto batch = walker.next();
      if (!batch && batch.error().code != errc::corrupt)
        return batch.error();
      if (!batch || !*batch)
        break;
      const auto position = (*batch)->position;
      auto bytes = walker.whole();
      if (!bytes)
        return bytes.error();
      const batch_view whole{*bytes};
      if (!follows(index, whole, run ? run->after : whole.base_offset())
          || (!run && whole.base_offset() > hint_)
          || whole.crc() != whole.computed_crc())
        break;
      if (!run)
        run = sound_run{position, whole.base_offset(), {}, {}};
      run->after = whole.last_offset() + int64_t{1};
      run->stop = walker.position();
    }
    if (run)
      return run;
    from = **sound + 1; // it says an offset that cannot be there
  }
}

offset partition_log::recovery::ceiling(size_t index) const {
  return index + 1 < log_.segments_.size() ? log_.segments_[index + 1].base
                                           : offset{INT64_MAX};
}

result<void> partition_log::recovery::gap(size_t index) {
  const offset expected = log_.log_end_;
  const offset base = log_.segments_[index].base;
  MILLRACE_ASSERT(base > expected, "no batch goes beyond its segment");
  // Of the segments below the log's start, the crash may have brought back
  // any.
  if (base > start_) {
    if (expected >= hint_)
      return cut(index, 0);
    MILLRACE_TRY(refuse({expected, base, base, 0}));
  }
  log_.log_end_ = base;
  return {};
}

result<void> partition_log::recovery::cut(size_t index, uint64_t position) {
  auto& segments = log_.segments_;
  MILLRACE_TRY(mark_cut());
  const offset expected = log_.log_end_;
  auto sound = sound_end(index, position);
  if (!sound)
    return sound.error();
  const auto path = log_.path_of(segments[index].base, ".log");
  if (*sound) {
    auto kept = keep_aside(index, position);
    if (!kept)
      return kept.error();
    log_.report_.notes.push_back(
      describe(expected, **sound)
      + " were not durable when the node stopped, and " + path
      + " is not whole at byte " + std::to_string(position)
      + "; cut there, the bytes are kept in " + *kept);
    log_.report_.lost.push_back({expected, **sound, false, std::move(*kept)});
  } else {
    for (size_t i = index; i < segments.size(); ++i)
      log_.report_.torn_bytes += segments[i].size;
    log_.report_.torn_bytes -= position;
    log_.report_.notes.push_back(path + ", byte " + std::to_string(position)
                                 + ": cut "
                                 + std::to_string(log_.report_.torn_bytes)
                                 + " bytes that a crash had left unfinished");
  }
  changed_ = true;
  // A segment that does not begin at the log's end goes as a whole.
  const bool whole = segments[index].base != expected && position == 0;
  const size_t remaining = whole ? index : index + 1;
  while (segments.size() > remaining) {
    MILLRACE_TRY(log_.remove_segment_files(segments.back()));
    segments.pop_back();
  }
  if (whole)
    return {};
  auto handle = log_.cache_->open(path);
  if (!handle)
    return handle.error();
  segments[index].size = position;
  return (*handle)->truncate(position);
}

result<void> partition_log::recovery::mark_cut() {
  if (!what_.replicated || std::exchange(log_.cut_short_, true))
    return {};
  return replace_file(
    files_, log_.directory_ + "/" + std::string{cut_mark_name}, "0\n");
}

result<void> partition_log::forget_cut() {
  if (!std::exchange(cut_short_, false))
    return {};
  return remove_if_there(directory_ + "/" + std::string{cut_mark_name});
}

result<std::optional<offset>> partition_log::recovery::sound_end(
  size_t index, uint64_t position) const {
  std::optional<offset> end;
  for (size_t i = index; i < log_.segments_.size(); ++i) {
    const auto& s = log_.segments_[i];
    auto source = log_.cache_->open(log_.path_of(s.base, ".log"));
    if (!source)
      return source.error();
    uint64_t from = i == index ? position : 0;
    while (true) {
      auto sound = find_sound_batch(*source, from, s.size, log_.log_end_);
      if (!sound)
        return sound.error();
      if (!*sound)
        break;
      batch_walker walker{*source, **sound, s.size, batch_view::header_size};
      auto batch = walker.next();
      if (!batch)
        return batch.error();
      const offset after = (*batch)->header.last_offset() + int64_t{1};
      end = std::max(end.value_or(after), after);
      from = walker.position();
    }
  }
  return end;
}

result<std::string> partition_log::recovery::keep_aside(
  size_t index, uint64_t position) {
  const auto path = log_.path_of(log_.log_end_, ".log.corrupt");
  auto to = files_.open(path, open_mode::create_fresh);
  if (!to)
    return to.error();
  std::vector<std::byte> buffer(256u << 10);
  uint64_t written = 0;
  for (size_t i = index; i < log_.segments_.size(); ++i) {
    const auto& s = log_.segments_[i];
    auto from = log_.cache_->open(log_.path_of(s.base, ".log"));
    if (!from)
      return from.error();
    for (uint64_t at = i == index ? position : 0; at < s.size;) {
      auto got = (*from)->read_at(at, buffer);
      if (!got)
        return got.error();
      if (*got == 0)
        break;
      MILLRACE_TRY((*to)->write_at(
        written, std::span<const std::byte>{buffer}.first(*got)));
      written += *got;
      at += *got;
    }
  }
  MILLRACE_TRY((*to)->sync());
  MILLRACE_TRY(files_.sync_directory(log_.directory_));
  return path;
}

result<void> partition_log::recovery::refuse(const lost_ranges::hole& h) {
  // Nobody misses what lies before the log's start; but a search in its segment
  // must not walk through it.
  const bool missed = h.end > start_;
  if ((!missed && h.resume_position == 0) || !log_.lost_.add(h))
    return {};
  changed_ = true;
  if (!missed)
    return log_.lost_.save(files_, log_.directory_);
  log_.report_.lost.push_back({h.first, h.end, true, {}});
  log_.report_.notes.push_back(
    describe(h.first, h.end)
    + " were durable and cannot be read any more; reads of them are refused");
  return log_.lost_.save(files_, log_.directory_);
}

} // namespace millrace
