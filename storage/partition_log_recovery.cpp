#include "storage/partition_log_recovery.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace {

namespace {

constexpr std::string_view epochs_name = "/leader-epoch-checkpoint";

/// A batch by its header, which the walker does not keep.
struct seen_header {
  explicit seen_header(const placed_batch& batch)
      : position(batch.position), size(batch.size) {
    const auto from = batch.header.header_bytes();
    std::copy(from.begin(), from.end(), header.begin());
  }
  [[nodiscard]] batch_view view() const {
    return batch_view{header};
  }
  [[nodiscard]] uint64_t end() const {
    return position + size;
  }
  [[nodiscard]] bool has_all_records() const {
    return view().record_count() == view().last_offset_delta() + int64_t{1};
  }

  uint64_t position;
  uint32_t size;
  std::array<std::byte, batch_view::header_size> header;
};

/// All of the batch; fewer bytes where the file ends before it does.
result<std::vector<std::byte>> read_whole(
  const file& source, const seen_header& batch) {
  std::vector<std::byte> bytes(batch.size);
  auto got = source.read_at(batch.position, bytes);
  if (!got)
    return got.error();
  bytes.resize(*got);
  return bytes;
}

/// Whether all of the batch is there, with the checksum that it names.
result<bool> is_sound(const file& source, const seen_header& batch) {
  auto bytes = read_whole(source, batch);
  if (!bytes)
    return bytes.error();
  if (bytes->size() != batch.size)
    return false;
  const batch_view whole{*bytes};
  return whole.crc() == whole.computed_crc();
}

/// What the batch says of a transaction's end, for which its header is not
/// enough.
result<std::optional<end_transaction_marker>> marker_of(
  const file& source, const seen_header& batch) {
  if (!batch.view().is_control())
    return std::optional<end_transaction_marker>{};
  auto bytes = read_whole(source, batch);
  if (!bytes)
    return bytes.error();
  if (bytes->size() != batch.size)
    return std::optional<end_transaction_marker>{};
  return marker_in(batch_view{*bytes});
}

bool is_leftover(std::string_view name) {
  return name.ends_with(".deleted") || name.ends_with(".tmp")
         || name.ends_with(".cleaned");
}

} // namespace

result<std::unique_ptr<partition_log>> partition_log::open(opening what) {
  MILLRACE_ASSERT(what.files != nullptr, "a log has a file system");
  auto handles = what.handles != nullptr
                   ? what.handles
                   : std::make_shared<file_cache>(*what.files);
  std::unique_ptr<partition_log> log{
    new partition_log{what, std::move(handles)}};
  MILLRACE_TRY(recovery(*log, what).run());
  return log;
}

partition_log::recovery::recovery(partition_log& log, const opening& what)
    : log_(log), what_(what), files_(*what.files),
      start_(what.log_start.value_or(offset{0})),
      hint_(std::max(what.durable_hint.value_or(offset{0}), start_)) {}

result<void> partition_log::recovery::run() {
  auto there = list();
  if (!there)
    return there.error();
  if (*there)
    MILLRACE_TRY(log_.lost_.load(files_, log_.directory_));
  if (log_.segments_.empty())
    return create(start_);
  MILLRACE_TRY(prepare());
  MILLRACE_TRY(walk());
  MILLRACE_TRY(finish());
  // A clean start looks at no checksum, another one only where it walks.
  const auto walked = what_.clean ? log_.segments_.size() : first_walked_;
  for (size_t i = 0; i < std::min(walked, log_.segments_.size()); ++i)
    log_.segments_[i].unread = {0, log_.segments_[i].size};
  return {};
}

result<bool> partition_log::recovery::list() {
  auto entries = files_.list(log_.directory_);
  if (!entries) {
    if (entries.error().code == errc::not_found)
      return false;
    return entries.error();
  }
  if (std::any_of(entries->begin(), entries->end(), [](const auto& entry) {
        return entry.name.ends_with(swap_suffix);
      })) {
    MILLRACE_TRY(finish_swaps(*entries));
    entries = files_.list(log_.directory_);
    if (!entries)
      return entries.error();
  }
  for (const auto& entry : *entries) {
    if (const auto base = parse_segment_name(entry.name, ".log")) {
      log_.segments_.emplace_back(*base, what_.now_ms);
      log_.segments_.back().size = entry.size;
    } else if (const auto at = parse_segment_name(entry.name, ".snapshot")) {
      snapshots_.push_back(*at);
    } else if (const auto in = parse_segment_name(entry.name, ".txnindex")) {
      indexed_.push_back(*in);
    } else if (entry.name == cut_mark_name) {
      log_.cut_short_ = true;
    } else if (is_leftover(entry.name)) {
      MILLRACE_TRY(log_.remove_if_there(log_.directory_ + "/" + entry.name));
    }
  }
  return true;
}

result<void> partition_log::recovery::create(offset base) {
  // Nothing is in it that a crash could take: its name becomes durable with
  // the first records, so that making thousands of logs is cheap.
  MILLRACE_TRY(files_.make_directory(log_.directory_));
  log_.parent_dirty_ = true;
  log_.report_.created = true;
  if (hint_ > base) {
    // The log was there once: its offsets are not given again.
    MILLRACE_TRY(refuse({base, hint_, hint_, 0}));
    base = hint_;
  }
  MILLRACE_TRY(log_.start_segment(base, what_.now_ms));
  log_.log_start_ = start_;
  log_.log_end_ = log_.durable_end_ = base;
  return {};
}

result<void> partition_log::recovery::prepare() {
  auto& segments = log_.segments_;
  const size_t last = segments.size() - 1;
  // The segment that ends where the hint does may have been sealed since: what
  // is derived from it is on disk only after the next sync.
  const auto durable = std::max(hint_ + int64_t{-1}, offset{0});
  first_walked_ = what_.clean ? last : log_.segment_of(durable);

  bool epochs_known = false;
  auto text = read_file(files_, log_.directory_ + std::string{epochs_name});
  if (text) {
    if (auto cache = epoch_cache::decode(*text)) {
      log_.epochs_ = std::move(*cache);
      epochs_known = true;
    }
  } else if (text.error().code != errc::not_found) {
    return text.error();
  }

  // A snapshot counts up to the hint only: it may hold batches that a crash
  // has taken back (R14). What was aborted in the hint's segment is told by
  // its batches: its index may not have been synced. Segments below the log's
  // start don't count here: of them, a crash may have brought back any.
  const auto hinted = std::max(hint_ + int64_t{-1}, start_);
  auto limit = load_aborted(
    what_.clean ? offset{INT64_MAX} : segments[log_.segment_of(hinted)].base);
  if (!limit)
    return limit.error();
  replay_from_ = segments.front().base;
  std::sort(snapshots_.rbegin(), snapshots_.rend());
  for (const auto at : snapshots_) {
    if (at > *limit)
      continue;
    auto content = read_file(files_, log_.path_of(at, ".snapshot"));
    if (!content || !log_.restore_producers(*content))
      continue; // an older one and the batches since tell the same
    log_.last_snapshot_ = at;
    replay_from_ = std::max(at, replay_from_);
    break;
  }
  first_walked_ = std::min(first_walked_, log_.segment_of(replay_from_));
  for (auto& s : segments)
    if (s.base >= replay_from_)
      s.aborted.clear();
  if (!epochs_known)
    first_walked_ = 0;

  auto& tail = segments[last];
  if (what_.clean && first_walked_ == last && epochs_known) {
    MILLRACE_TRY(
      tail.offsets.load(*log_.cache_, log_.path_of(tail.base, ".index")));
    MILLRACE_TRY(
      tail.times.load(*log_.cache_, log_.path_of(tail.base, ".timeindex")));
    from_index_
      = !tail.offsets.entries().empty()
        && replay_from_
             > tail.base
                 + int64_t{tail.offsets.entries().back().relative_offset};
    if (!from_index_) {
      tail.offsets.clear();
      tail.times.clear();
    }
  }
  for (size_t i = 0; i < first_walked_; ++i) {
    segments[i].offsets.leave_to_file();
    segments[i].times.leave_to_file();
  }
  if (!what_.clean)
    walk_from_first_gap();
  return {};
}

result<offset> partition_log::recovery::load_aborted(offset limit) {
  auto& segments = log_.segments_;
  for (const auto base : indexed_)
    if (auto& s = segments[log_.segment_of(base)]; s.base == base)
      s.aborted_filed = true; // others are of segments that are gone
  for (size_t i = 0; i < segments.size() && segments[i].base < limit; ++i) {
    auto& s = segments[i];
    if (!s.aborted_filed)
      continue;
    const auto base = s.base;
    const auto path = log_.path_of(base, ".txnindex");
    auto content = read_file(files_, path);
    if (!content)
      return content.error();
    auto index = transaction_index::decode(*content, base,
      i + 1 < segments.size() ? segments[i + 1].base : offset{INT64_MAX});
    if (!index) {
      log_.report_.notes.push_back(
        path + ": " + to_string(index.error()) + "; made anew");
      return base; // its batches tell
    }
    s.aborted = std::move(*index);
  }
  return limit;
}

void partition_log::recovery::walk_from_first_gap() {
  auto& segments = log_.segments_;
  size_t first = 0;
  while (first < first_walked_
         && (segments[first + 1].base <= start_ || log_.reaches_next(first)))
    ++first;
  for (size_t i = first; i < first_walked_; ++i) {
    segments[i].offsets.clear();
    segments[i].times.clear();
  }
  first_walked_ = first;
}

result<void> partition_log::recovery::walk() {
  auto& segments = log_.segments_;
  if (from_index_) {
    auto done = walk_tail();
    if (!done)
      return done.error();
    if (*done)
      return {};
  }
  log_.log_end_ = segments[first_walked_].base;
  walked_epoch_ = no_leader_epoch; // a tail may have been walked in vain
  log_.epochs_.truncate_to(log_.log_end_);
  if (what_.durable_hint && segments.front().base > hint_) {
    // What came before was never durable, so this was not either: the crash
    // has kept the name of a later segment only.
    log_.log_end_ = hint_;
    MILLRACE_TRY(cut(0, 0));
    return log_.start_segment(hint_, what_.now_ms);
  }
  for (size_t i = first_walked_; i < segments.size(); ++i) {
    if (segments[i].base != log_.log_end_)
      MILLRACE_TRY(gap(i));
    if (i < segments.size())
      MILLRACE_TRY(walk_segment(i));
  }
  return {};
}

result<bool> partition_log::recovery::walk_tail() {
  auto& tail = log_.segments_.back();
  const uint64_t size = tail.size;
  auto position = tail.rewind(*log_.cache_, log_.directory_, size);
  if (!position)
    return position.error();
  auto source = log_.cache_->open(log_.path_of(tail.base, ".log"));
  if (!source)
    return source.error();
  if (!tail.offsets.entries().empty()) {
    batch_walker walker{*source, *position, size, batch_view::header_size};
    auto first = walker.next();
    if (first && *first) {
      log_.log_end_ = (*first)->header.base_offset();
      auto reached
        = walk_run(log_.segments_.size() - 1, *source, *position, size);
      if (!reached || *reached)
        return reached;
    }
  }
  auto again = segment{tail.base, what_.now_ms};
  again.size = size;
  // Up to where producers are replayed only their file tells.
  again.aborted = std::move(tail.aborted);
  again.aborted_filed = tail.aborted_filed;
  tail = std::move(again);
  return false;
}

result<void> partition_log::recovery::walk_segment(size_t index) {
  auto& s = log_.segments_[index];
  auto source = log_.cache_->open(log_.path_of(s.base, ".log"));
  if (!source)
    return source.error();
  const uint64_t end = std::exchange(s.size, 0);
  uint64_t position = 0;
  while (position < end) {
    auto reached = walk_run(index, *source, position, end);
    if (!reached)
      return reached.error();
    if (*reached)
      break;
    auto resume = bad_bytes(index, *source, position, end);
    if (!resume)
      return resume.error();
    if (!*resume)
      break;
    position = **resume;
    s.force_entry();
  }
  return {};
}

result<bool> partition_log::recovery::walk_run(size_t index,
  const std::shared_ptr<file>& source, uint64_t& position, uint64_t end) {
  auto& s = log_.segments_[index];
  batch_walker walker{source, position, end};
  // After a clean stop a batch is known by its header only, and the next one
  // shows that it is as long as it says. Until then it is not in the log.
  std::optional<seen_header> last;
  const auto take_last = [&]() -> result<void> {
    if (!last)
      return {};
    auto marker = marker_of(*source, *last);
    if (!marker)
      return marker.error();
    note(s, last->view(), last->position, *marker);
    position = last->end();
    last.reset();
    return {};
  };
  const auto stop = [&](bool at_end) -> result<bool> {
    if (!last)
      return at_end;
    auto sound = is_sound(*source, *last);
    if (!sound)
      return sound.error();
    if (*sound)
      MILLRACE_TRY(take_last());
    return *sound && at_end;
  };
  while (true) {
    auto batch = walker.next();
    if (!batch && batch.error().code != errc::corrupt)
      return batch.error();
    if (!batch)
      return stop(false);
    if (!*batch) {
      // It ends where the file does. Of one that has lost records to compaction
      // the header alone does not tell that it is right.
      if (last && last->has_all_records())
        MILLRACE_TRY(take_last());
      return stop(true);
    }
    const auto& header = (*batch)->header;
    const auto expected
      = last ? last->view().last_offset() + int64_t{1} : log_.log_end_;
    if (!follows(index, header, expected))
      return stop(false);
    MILLRACE_TRY(take_last());
    if (what_.clean) {
      last.emplace(**batch);
    } else if (header.last_offset() >= hint_ && past_cache_from_ != index) {
      // What was durable for sure ends here. From here on only what the disk
      // has counts, whatever syncs have said to those who wrote it (R6).
      MILLRACE_TRY(source->drop_cache(position));
      auto size = source->size();
      if (!size)
        return size.error();
      past_cache_from_ = index;
      walker = batch_walker{source, position, std::min(end, *size)};
    } else {
      auto bytes = walker.whole(); // and `header` may be gone
      if (!bytes)
        return bytes.error();
      const batch_view whole{*bytes};
      if (whole.crc() != whole.computed_crc())
        return false;
      note(s, whole, position, marker_in(whole));
      position = walker.position();
    }
  }
}

bool partition_log::recovery::follows(
  size_t index, const batch_view& header, offset expected) const {
  // The checksum does not cover the base offset, but what comes before and
  // behind tells it: nothing leaves gaps in a log.
  const offset last = header.last_offset();
  return header.base_offset() == expected
         // Epochs rise, too, and are not under the checksum either.
         && header.epoch() >= walked_epoch_
         // Compaction takes records, but leaves the offsets to their batch.
         && header.record_count() <= header.last_offset_delta() + int64_t{1}
         && last < ceiling(index)
         && last.value - log_.segments_[index].base.value <= INT32_MAX;
}

void partition_log::recovery::note(segment& s, const batch_view& batch,
  uint64_t position, const std::optional<end_transaction_marker>& marker) {
  const offset base = batch.base_offset();
  s.note(batch, base, position, static_cast<uint32_t>(batch.size()),
    log_.config_.index_interval_bytes);
  if (log_.epochs_.assign(batch.epoch(), base))
    log_.epochs_stale_ = true;
  walked_epoch_ = batch.epoch();
  if (base >= replay_from_)
    log_.note_producer(batch, base, marker);
  log_.log_end_ = batch.last_offset() + int64_t{1};
}

result<void> partition_log::recovery::jump_to(offset base) {
  changed_ = true;
  MILLRACE_TRY(log_.roll(base, what_.now_ms));
  log_.log_end_ = base;
  return {};
}

result<void> partition_log::recovery::finish() {
  auto& log = log_;
  const offset found = log.log_end_;
  if (found < hint_) {
    MILLRACE_TRY(refuse({found, hint_, hint_, 0}));
    MILLRACE_TRY(jump_to(hint_));
  }
  const offset front = log.segments_.front().base;
  log.log_start_ = std::max(start_, front);
  if (front > start_ && what_.durable_hint && what_.log_start) {
    // Segments do not go before the log's start is durable (R18).
    MILLRACE_TRY(refuse({start_, front, front, 0}));
    log.log_start_ = start_;
  }
  log.lost_.advance_start(log.log_start_);
  if (log.lost_.truncate_to(log.log_end_)) // they were cut since
    MILLRACE_TRY(log.lost_.save(files_, log.directory_));
  log.epochs_.truncate_to(log.log_end_);
  for (size_t i = 0; i < log.segments_.size(); ++i)
    log.segments_[i].aborted.truncate_to(log.end_of(i));
  for (const auto at : snapshots_)
    if (at > log.log_end_)
      MILLRACE_TRY(log.remove_if_there(log.path_of(at, ".snapshot")));
  if (log.last_snapshot_ > log.log_end_)
    MILLRACE_TRY(log.rebuild_producers());
  for (size_t i = first_walked_; i + 1 < log.segments_.size(); ++i) {
    auto& s = log.segments_[i];
    if (!s.offsets.resident())
      continue;
    s.close_times();
    MILLRACE_TRY(log.write_indexes(s));
    s.offsets.leave_to_file();
    s.times.leave_to_file();
  }
  // R5: the page cache may hold what the disk does not.
  if (!what_.clean && (found > hint_ || changed_)) {
    for (size_t i = first_walked_; i < log.segments_.size(); ++i) {
      auto handle
        = log.cache_->open(log.path_of(log.segments_[i].base, ".log"));
      if (!handle)
        return handle.error();
      log.dirty_.push_back(std::move(*handle));
    }
    log.directory_dirty_ = true;
    // Without a hint it may never have been synced: its own name neither.
    log.parent_dirty_ = hint_ <= start_;
  }
  if (log.segments_.size() > 1)
    log.epochs_due_ = log.epochs_stale_;
  MILLRACE_TRY(log.sync_everything());
  log.durable_end_ = log.log_end_;
  // The process that died may have left names that only the cache has: of an
  // empty segment, or of the log itself. They are durable with what is
  // written next, so that opening thousands of idle logs is cheap.
  if (!what_.clean)
    log.directory_dirty_ = log.parent_dirty_ = true;
  return {};
}

} // namespace millrace
