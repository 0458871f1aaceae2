#include "storage/compaction_job.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace {

namespace {

/// From this size on a batch is worth a read of its header alone.
constexpr uint64_t passed_over_bytes_min = 16 << 10;

} // namespace

compaction_job::compaction_job(order what, limits within, offset_map& map)
    : order_(std::move(what)), limits_(within), map_(map),
      spans_(order_.rules.unfolded_bytes_max), filter_(order_.rules, map_) {
  map_.reset(order_.first_dirty,
    static_cast<uint64_t>(order_.end.value - order_.first_dirty.value),
    limits_.map_bytes_max);
  order_.rules.end = order_.first_dirty;
  while (input_ < order_.inputs.size()
         && order_.inputs[input_].end <= order_.first_dirty)
    ++input_;
  if (input_ < order_.inputs.size())
    expected_ = order_.inputs[input_].base;
}

compaction_job::~compaction_job() {
  if (writer_)
    writer_->discard();
}

error compaction_job::damaged(const char* why) const {
  return {errc::corrupt,
    segment_path(order_.directory, order_.inputs[input_].base, ".log")
      + ", byte " + std::to_string(position_) + ": " + why};
}

error compaction_job::cut() const {
  return {errc::offline, order_.directory + ": the log was cut meanwhile"};
}

result<std::span<const std::byte>> compaction_job::read_chunk() {
  const auto& from = order_.inputs[input_];
  size_t wanted = limits_.chunk_bytes;
  while (true) {
    wanted = std::min<uint64_t>(wanted, from.size - position_);
    if (chunk_.size() < wanted)
      chunk_.resize(wanted);
    auto got = from.source->read_at(position_, std::span{chunk_}.first(wanted));
    if (!got)
      return got.error();
    if (*got < wanted)
      return damaged("the segment is shorter than it was");
    if (wanted < batch_view::header_size)
      return damaged("the segment ends within a header");
    const batch_view first{chunk_};
    if (!first.plausible()
        || static_cast<uint64_t>(first.size()) > from.size - position_)
      return damaged("not the header of a record batch");
    if (static_cast<uint64_t>(first.size()) <= wanted)
      return std::span<const std::byte>{chunk_}.first(wanted);
    wanted = static_cast<size_t>(first.size());
  }
}

result<compaction_job::progress> compaction_job::step() {
  progress p;
  result<void> done;
  if (phase_ == phase::mapping)
    done = map_step(p);
  else if (phase_ == phase::filtering)
    done = filter_step(p);
  if (!done) // what a cut has taken away is not damage
    return order_.gate->revoked() ? cut() : done.error();
  p.done = phase_ == phase::done;
  return p;
}

result<bool> compaction_job::map_batch(const batch_view& batch) {
  if (batch.last_offset() < order_.first_dirty || batch.is_control()
      || batch.record_count() == 0
      || (batch.is_transactional() && order_.rules.aborted.hold(batch)))
    return true;
  if (!map_.has_room(
        static_cast<uint64_t>(batch.record_count()), batch.last_offset()))
    return false;
  MILLRACE_TRY(spans_.read(batch));
  const auto records = spans_.records();
  hashes_.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i)
    if (records[i].has_key) {
      hashes_[i] = map_.hash(records[i].key);
      map_.prefetch(hashes_[i]);
    }
  for (size_t i = 0; i < records.size(); ++i) {
    const auto at = batch.base_offset() + int64_t{records[i].offset_delta};
    if (records[i].has_key && at >= order_.first_dirty)
      map_.put(hashes_[i], at);
  }
  return true;
}

result<void> compaction_job::map_step(progress& p) {
  if (input_ == order_.inputs.size()) {
    begin_filtering();
    return {};
  }
  auto chunk = read_chunk();
  if (!chunk)
    return chunk.error();
  p.bytes_read = chunk->size();
  for (auto rest = *chunk; rest.size() >= batch_view::header_size;) {
    const batch_view batch{rest};
    if (!batch.plausible())
      return damaged("not the header of a record batch");
    const auto size = static_cast<size_t>(batch.size());
    if (size > rest.size())
      break;
    if (batch.base_offset() != expected_)
      return damaged("the offsets do not go on");
    if (batch.crc() != batch.computed_crc())
      return damaged("the checksum is wrong");
    auto room = map_batch(batch);
    if (!room)
      return damaged(room.error().context.c_str());
    if (!*room) {
      if (map_.size() == 0)
        return error{errc::too_large,
          damaged("the batch has more keys than log.cleaner.dedupe.buffer.size "
                  "has room for")
            .context};
      begin_filtering();
      return {};
    }
    expected_ = batch.last_offset() + int64_t{1};
    order_.rules.end = std::max(expected_, order_.first_dirty);
    position_ += size;
    rest = rest.subspan(size);
  }
  if (position_ == order_.inputs[input_].size) {
    if (expected_ != order_.inputs[input_].end)
      return damaged("offsets are missing");
    ++input_;
    position_ = 0;
  }
  return {};
}

void compaction_job::begin_filtering() {
  phase_ = phase::filtering;
  group_ = 0;
  input_ = 0;
  position_ = 0;
  live_.reset(order_.first_dirty, order_.rules.end);
  map_.for_each_newest([this](offset at) {
    live_.note(at);
  });
}

result<void> compaction_job::begin_group() {
  const auto& group = order_.groups[group_];
  input_ = group.first;
  position_ = 0;
  expected_ = order_.inputs[input_].base;
  writer_.emplace(compaction_writer::place{.cache = order_.cache.get(),
    .directory = order_.directory,
    .base = expected_,
    .created_ms = order_.rules.now_ms,
    .index_interval_bytes = order_.index_interval_bytes});
  return writer_->open();
}

result<void> compaction_job::filter_step(progress& p) {
  if (!writer_) {
    if (group_ == order_.groups.size()
        || order_.inputs[order_.groups[group_].first].base
             >= order_.rules.end) {
      phase_ = phase::done;
      return {};
    }
    MILLRACE_TRY(begin_group());
  }
  const auto before = writer_->bytes_written();
  MILLRACE_TRY(pass_over(p));
  if (position_ < order_.inputs[input_].size)
    MILLRACE_TRY(filter_chunk(p));
  MILLRACE_TRY(writer_->write());
  p.bytes_written = writer_->bytes_written() - before;
  if (position_ < order_.inputs[input_].size)
    return {};
  if (expected_ != order_.inputs[input_].end)
    return damaged("offsets are missing");
  const auto& group = order_.groups[group_];
  position_ = 0;
  if (++input_ == group.first + group.count)
    return end_group(p);
  return {};
}

result<void> compaction_job::filter_chunk(progress& p) {
  auto chunk = read_chunk();
  if (!chunk)
    return chunk.error();
  p.bytes_read += chunk->size();
  for (auto rest = *chunk; rest.size() >= batch_view::header_size;) {
    const batch_view batch{rest};
    if (!batch.plausible())
      return damaged("not the header of a record batch");
    const auto size = static_cast<size_t>(batch.size());
    if (size > rest.size())
      break;
    if (batch.base_offset() != expected_)
      return damaged("the offsets do not go on");
    if (batch.crc() != batch.computed_crc())
      return damaged("the checksum is wrong");
    auto verdict = filter_.judge(batch);
    if (!verdict)
      return damaged(verdict.error().context.c_str());
    writer_->take(batch, *verdict);
    expected_ = batch.last_offset() + int64_t{1};
    position_ += size;
    rest = rest.subspan(size);
  }
  return {};
}

bool compaction_job::goes_whole(const batch_view& header) const {
  return header.base_offset() >= order_.first_dirty
         && header.last_offset() < order_.rules.end && !header.is_control()
         && !header.is_transactional()
         && !live_.any_within(header.base_offset(), header.last_offset())
         && !filter_.is_last_of_producer(header);
}

result<void> compaction_job::pass_over(progress& p) {
  const auto& from = order_.inputs[input_];
  std::array<std::byte, batch_view::header_size> bytes;
  while (from.size - position_ >= passed_over_bytes_min) {
    auto got = from.source->read_at(position_, bytes);
    if (!got)
      return got.error();
    if (*got < bytes.size())
      return damaged("the segment is shorter than it was");
    p.bytes_read += bytes.size();
    const batch_view header{bytes};
    const auto size = static_cast<uint64_t>(header.size());
    // What is wrong with it is told where it is read as a whole.
    if (!header.plausible() || size < passed_over_bytes_min
        || size > from.size - position_ || header.base_offset() != expected_
        || !goes_whole(header))
      return {};
    writer_->take(header, {batch_filter::fate::dropped, {}});
    expected_ = header.last_offset() + int64_t{1};
    position_ += size;
  }
  return {};
}

result<void> compaction_job::end_group(progress& p) {
  const auto group = order_.groups[group_++];
  if (group.count == 1 && !writer_->changed()) {
    writer_->discard();
    writer_.reset();
    return {};
  }
  std::vector<ended_transaction> aborted;
  uint64_t bytes_before = 0;
  std::vector<offset> replaced;
  for (size_t i = group.first; i < group.first + group.count; ++i) {
    const auto& from = order_.inputs[i];
    aborted.insert(aborted.end(), from.aborted.begin(), from.aborted.end());
    bytes_before += from.size;
    replaced.push_back(from.base);
  }
  auto made = writer_->finish(aborted);
  if (!made)
    return made.error();
  auto ready = std::make_unique<compacted_segment>(
    compacted_segment{std::move(*made), std::move(replaced),
      order_.inputs[group.first + group.count - 1].end, bytes_before});
  auto committed = commit(*ready);
  if (!committed)
    return committed.error();
  if (!*committed)
    return cut();
  writer_.reset();
  p.ready = std::move(ready);
  return {};
}

result<bool> compaction_job::commit(const compacted_segment& group) {
  auto& files = order_.cache->files();
  const auto& made = group.made;
  const auto rename = [&](std::string_view kind) {
    const auto path = segment_path(order_.directory, made.base, kind);
    return files.rename(
      path + std::string{cleaned_suffix}, path + std::string{swap_suffix});
  };
  return order_.gate->unless_revoked([&]() -> result<void> {
    MILLRACE_TRY(rename(".index"));
    MILLRACE_TRY(rename(".timeindex"));
    if (made.aborted_filed)
      MILLRACE_TRY(rename(".txnindex"));
    // From its name on the new segment counts (R18): last, and alone, so that
    // all of it is there.
    MILLRACE_TRY(files.sync_directory(order_.directory));
    MILLRACE_TRY(rename(".log"));
    return files.sync_directory(order_.directory);
  });
}

} // namespace millrace
