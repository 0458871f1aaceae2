#include "storage/compaction_writer.hpp"

#include <utility>

namespace millrace {

compaction_writer::compaction_writer(place where)
    : where_(std::move(where)), made_(where_.base, where_.created_ms) {}

std::string compaction_writer::path_of(std::string_view kind) const {
  return segment_path(where_.directory, where_.base,
    std::string{kind} + std::string{cleaned_suffix});
}

result<void> compaction_writer::open() {
  // Not through the cache: nobody reads it by this name.
  auto made
    = where_.cache->files().open(path_of(".log"), open_mode::create_fresh);
  if (!made)
    return made.error();
  out_ = std::move(*made);
  return {};
}

void compaction_writer::note(const batch_view& batch, size_t size) {
  made_.note(batch, batch.base_offset(), made_.size,
    static_cast<uint32_t>(size), where_.index_interval_bytes);
}

void compaction_writer::add_own(std::span<const std::byte> batch) {
  note(batch_view{batch}, batch.size());
  if (parts_.empty() || parts_.back().theirs != nullptr)
    parts_.push_back({nullptr, own_.size(), 0});
  parts_.back().size += batch.size();
  own_.insert(own_.end(), batch.begin(), batch.end());
}

void compaction_writer::end_gap() {
  if (!gap_)
    return;
  add_own(make_filler(gap_->first, gap_->last, gap_->epoch));
  gap_.reset();
}

void compaction_writer::drop(const batch_view& batch) {
  const auto first = batch.base_offset();
  const auto last = batch.last_offset();
  // Epochs are told by batches, so that a gap keeps to one.
  if (gap_ && gap_->epoch == batch.epoch()
      && last.value - gap_->first.value <= INT32_MAX) {
    gap_->last = last;
    changed_ = true;
    return;
  }
  end_gap();
  gap_ = gap{first, last, batch.epoch()};
  changed_ = changed_ || !is_filler(batch);
}

void compaction_writer::take(
  const batch_view& batch, const batch_filter::verdict& verdict) {
  if (verdict.what == batch_filter::fate::dropped) {
    drop(batch);
    return;
  }
  end_gap();
  if (verdict.what == batch_filter::fate::replaced) {
    changed_ = true;
    add_own(verdict.bytes);
    return;
  }
  const auto* begin = batch.header_bytes().data();
  const auto size = static_cast<size_t>(batch.size());
  note(batch, size);
  if (!parts_.empty() && parts_.back().theirs != nullptr
      && parts_.back().theirs + parts_.back().size == begin)
    parts_.back().size += size;
  else
    parts_.push_back({begin, 0, size});
}

result<void> compaction_writer::write() {
  if (made_.size > INT32_MAX)
    return error{errc::too_large, path_of(".log") + " grows too large"};
  std::vector<std::span<const std::byte>> spans;
  spans.reserve(parts_.size());
  size_t bytes = 0;
  for (const auto& p : parts_) {
    spans.emplace_back(
      p.theirs != nullptr ? p.theirs : own_.data() + p.at, p.size);
    bytes += p.size;
  }
  if (!spans.empty())
    MILLRACE_TRY(out_->write_at(written_, spans));
  written_ += bytes;
  parts_.clear();
  own_.clear();
  return {};
}

result<void> compaction_writer::write_index(
  std::string_view kind, const result<std::shared_ptr<file>>& made) {
  where_.cache->forget(path_of(kind));
  if (!made)
    return made.error();
  return (*made)->sync();
}

result<segment> compaction_writer::finish(
  std::span<const ended_transaction> aborted) {
  end_gap();
  MILLRACE_TRY(write());
  MILLRACE_TRY(out_->sync());
  made_.close_times();
  auto& cache = *where_.cache;
  MILLRACE_TRY(
    write_index(".index", made_.offsets.write(cache, path_of(".index"))));
  MILLRACE_TRY(
    write_index(".timeindex", made_.times.write(cache, path_of(".timeindex"))));
  for (const auto& one : aborted)
    made_.aborted.add(one);
  if (!made_.aborted.entries().empty()) {
    auto made = cache.create(path_of(".txnindex"));
    if (made) {
      const auto content = made_.aborted.encode();
      MILLRACE_TRY((*made)->write_at(0, std::as_bytes(std::span{content})));
    }
    MILLRACE_TRY(write_index(".txnindex", made));
    made_.aborted_filed = true;
  }
  made_.offsets.leave_to_file();
  made_.times.leave_to_file();
  return std::move(made_);
}

void compaction_writer::discard() {
  out_.reset();
  for (const auto* kind : {".log", ".index", ".timeindex", ".txnindex"}) {
    // What stays is removed when the log is opened next.
    where_.cache->forget(path_of(kind));
    static_cast<void>(where_.cache->files().remove(path_of(kind)));
  }
}

} // namespace millrace
