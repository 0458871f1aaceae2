#include "storage/batch_check.hpp"
#include "storage/batch_filter.hpp"
#include "storage/data_directory_listing.hpp"
#include "storage/marker_check.hpp"
#include "storage/partition_log.hpp"

#include <algorithm>
#include <utility>

namespace millrace {

namespace {

shared_bytes filler_from(offset first, offset last, leader_epoch epoch) {
  const auto made = make_filler(first, last, epoch);
  auto bytes = shared_bytes::allocate(made.size());
  std::copy(made.begin(), made.end(), bytes.data());
  return bytes;
}

} // namespace

bool partition_log::plan_marker(
  append_item& item, const producer_state& newer) const {
  const batch_view view{item.batch.span()};
  const auto marker = marker_in(view);
  if (!marker)
    return true;
  const auto* known = newer.find(marker->producer);
  if (known == nullptr)
    known = producers_.find(marker->producer);
  auto verdict = judge_marker(known, *marker, item.transaction_version);
  item.error = verdict.error;
  item.message = std::move(verdict.message);
  return item.error == kafka_error::none;
}

bool partition_log::plan(append_item& item, producer_state& newer, offset base,
  leader_epoch epoch, int64_t now_ms) const {
  check_batch(item, config_, now_ms);
  if (item.error != kafka_error::none)
    return false;
  const batch_view view{item.batch.span()};
  if (view.is_control() && !plan_marker(item, newer))
    return false;
  if (view.producer().value >= 0 && !view.is_control()) {
    const auto* known = newer.find(view.producer());
    if (known == nullptr)
      known = producers_.find(view.producer());
    auto verdict = judge_sequence(
      known, sequenced_batch::of(view), item.newcomers_begin_at_zero);
    item.error = verdict.error;
    item.message = std::move(verdict.message);
    item.leaves_gap = verdict.leaves_gap;
    if (verdict.original) {
      item.duplicate = verdict.error == kafka_error::none;
      item.last_offset = verdict.original->last_offset;
      if (item.duplicate)
        item.base_offset = verdict.original->base_offset;
      if (view.timestamps() == timestamp_type::log_append_time)
        item.log_append_time = verdict.original->timestamp_ms;
    }
    if (item.duplicate || item.error != kafka_error::none)
      return false;
    if (known != nullptr && newer.find(view.producer()) == nullptr)
      newer.replace(view.producer(), *known);
  }
  patch_base_offset(item.batch.writable(), base);
  patch_leader_epoch(item.batch.writable(), epoch);
  item.base_offset = base;
  item.last_offset = view.last_offset();
  return true;
}

void partition_log::append(
  std::span<append_item> items, leader_epoch epoch, int64_t now_ms) {
  std::vector<planned> accepted;
  accepted.reserve(items.size());
  // What this call has accepted, for the sequences of what follows.
  producer_state newer;
  offset next = log_end_;
  for (auto& item : items) {
    item.error = kafka_error::none;
    if (offline_)
      continue;
    if (!plan(item, newer, next, epoch, now_ms)) {
      if (item.error != kafka_error::none)
        item.log_append_time = -1;
      continue;
    }
    if (items.size() > 1) {
      const batch_view view{item.batch.span()};
      if (newer.find(view.producer()) == nullptr)
        if (const auto* known = producers_.find(view.producer()))
          newer.replace(view.producer(), *known);
      newer.apply(view, item.base_offset);
      if (const auto marker = marker_in(view))
        newer.note_coordinator(*marker);
    }
    next = item.last_offset + int64_t{1};
    accepted.push_back({item.batch, &item});
  }
  if (offline_) {
    refuse_unwritten(items, {errc::offline, "the log is offline"});
    return;
  }
  if (accepted.empty())
    return;
  if (auto done = write(accepted, now_ms); !done) {
    // A full disk may have room again; what else fails is not to be trusted.
    if (done.error().code != errc::out_of_space)
      offline_ = true;
    refuse_unwritten(items, done.error());
  }
}

void partition_log::refuse_unwritten(
  std::span<append_item> items, const error& why) {
  for (auto& item : items) {
    const bool written = item.error == kafka_error::none && !offline_
                         && item.last_offset.value >= 0
                         && item.last_offset < log_end_;
    if (written || (item.error != kafka_error::none && !item.duplicate))
      continue;
    item.error = kafka_error::kafka_storage_error;
    item.message = to_string(why);
    item.base_offset = item.last_offset = offset{-1};
    item.duplicate = false;
    item.log_append_time = -1;
  }
}

result<offset> partition_log::append_follower(
  const shared_bytes& batches, leader_epoch current, int64_t now_ms) {
  if (offline_)
    return error{errc::offline, to_string(name_) + " is offline"};
  const auto bad = [&](size_t at, const char* why) {
    return error{errc::corrupt,
      to_string(name_) + ", fetched byte " + std::to_string(at) + ": " + why};
  };
  std::vector<planned> accepted;
  offset next = log_end_;
  for (size_t at = 0; at < batches.size();) {
    const auto rest = batches.span().subspan(at);
    if (rest.size() < batch_view::header_size)
      return bad(at, "a batch's header is cut");
    const batch_view view{rest};
    if (!view.plausible())
      return bad(at, "not a record batch");
    if (view.size() > static_cast<int64_t>(rest.size()))
      return bad(at, "a batch is cut");
    if (view.crc() != view.computed_crc())
      return bad(at, "the checksum is wrong");
    if (view.epoch() > current)
      return bad(at, "a batch of an epoch to come");
    const auto size = static_cast<size_t>(view.size());
    if (accepted.empty() && is_filler(view) && view.base_offset() < next
        && view.last_offset() >= next) {
      // The leader has compacted from before where this log ends.
      accepted.push_back(
        {filler_from(next, view.last_offset(), view.epoch()), nullptr});
    } else if (view.base_offset() == next) {
      accepted.push_back({batches.slice(at, size), nullptr});
    } else {
      return bad(at, "the offsets do not go on where the log ends");
    }
    next = view.last_offset() + int64_t{1};
    at += size;
  }
  if (auto done = write(accepted, now_ms); !done) {
    if (done.error().code != errc::out_of_space)
      offline_ = true;
    return done.error();
  }
  return log_end_;
}

result<void> partition_log::write(std::span<planned> batches, int64_t now_ms) {
  size_t first = 0; // of the group that goes into the active segment
  size_t group_bytes = 0;
  for (size_t i = 0; i < batches.size(); ++i) {
    const batch_view view{batches[i].bytes.span()};
    const size_t size = batches[i].bytes.size();
    if (active().must_roll(config_, group_bytes, size, view.last_offset(),
          view.max_timestamp(), now_ms)) {
      MILLRACE_TRY(write_group(batches.subspan(first, i - first)));
      MILLRACE_TRY(roll(view.base_offset(), now_ms));
      first = i;
      group_bytes = 0;
    }
    group_bytes += size;
  }
  return write_group(batches.subspan(first));
}

result<void> partition_log::write_group(std::span<planned> batches) {
  if (batches.empty())
    return {};
  if (parent_dirty_ && segments_.size() == 1 && active().size == 0) {
    // Once in a log's life: whose it is is on disk before its first record,
    // of which a power loss may leave a part. Records of nobody knows whom
    // are damage then, and nothing else.
    auto& files = cache_->files();
    MILLRACE_TRY(sync_topic_id(files, directory_));
    MILLRACE_TRY(files.sync_directory(directory_));
    MILLRACE_TRY(files.sync_directory(parent_directory(directory_)));
    directory_dirty_ = parent_dirty_ = false;
  }
  auto handle = active_file();
  if (!handle)
    return handle.error();
  std::vector<std::span<const std::byte>> parts;
  parts.reserve(batches.size());
  for (const auto& batch : batches)
    parts.push_back(batch.bytes.span());
  const uint64_t position = active().size;
  if (auto written = (*handle)->write_at(position, parts); !written) {
    // Part of it may be there; take it back, or the next batch would follow
    // bytes that are none of ours.
    if (!(*handle)->truncate(position))
      offline_ = true;
    return written.error();
  }
  mark_dirty(*handle);
  for (const auto& batch : batches)
    note_written(batch);
  return {};
}

void partition_log::note_written(const planned& batch) {
  const batch_view view{batch.bytes.span()};
  const offset base = view.base_offset();
  MILLRACE_ASSERT(base == log_end_, "offsets follow one another");
  auto& s = active();
  s.note(view, base, s.size, static_cast<uint32_t>(batch.bytes.size()),
    config_.index_interval_bytes);
  if (epochs_.assign(view.epoch(), base))
    epochs_stale_ = true;
  note_producer(view, base, marker_in(view));
  log_end_ = view.last_offset() + int64_t{1};
}

} // namespace millrace
