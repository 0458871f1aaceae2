#include "storage/partition_log.hpp"
#include "storage/record_batch_cursor.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// The first record of a whole batch that is at least as young as
/// `timestamp` and not below `start`.
result<std::optional<timestamp_offset>> first_record(
  std::span<const std::byte> bytes, int64_t timestamp, offset start,
  size_t decompressed_max) {
  const batch_view view{bytes};
  // One time for all of them, of which the first may be gone.
  const bool one_time = view.timestamps() == timestamp_type::log_append_time;
  auto cursor
    = view.codec() == compression_codec::none
        ? record_cursor{view.records()}
        : record_cursor{view.codec(), view.records(), decompressed_max};
  record_head head;
  while (cursor.next(head)) {
    const int64_t at = one_time ? view.max_timestamp()
                                : view.base_timestamp() + head.timestamp_delta;
    const offset o = view.base_offset() + int64_t{head.offset_delta};
    if (at >= timestamp && o >= start)
      return std::optional{timestamp_offset{at, o, view.epoch()}};
  }
  if (cursor.failure().code != errc::none)
    return cursor.failure();
  return std::optional<timestamp_offset>{};
}

} // namespace

result<std::optional<timestamp_offset>> partition_log::record_by_time(
  const segment& s, uint64_t position, int64_t timestamp_ms) const {
  auto source = cache_->open(path_of(s.base, ".log"));
  if (!source)
    return source.error();
  batch_walker walker{*source, position, s.size};
  while (true) {
    auto batch = walker.next();
    if (!batch)
      return batch.error();
    if (!*batch)
      return std::optional<timestamp_offset>{};
    const auto& header = (*batch)->header;
    if (header.max_timestamp() < timestamp_ms || header.record_count() == 0
        || header.last_offset() < log_start_)
      continue;
    auto bytes = walker.whole();
    if (!bytes)
      return bytes.error();
    auto found = first_record(
      *bytes, timestamp_ms, log_start_, config_.decompressed_bytes_max);
    if (!found || *found)
      return found;
  }
}

result<std::optional<timestamp_offset>> partition_log::find_by_time(
  int64_t timestamp_ms) {
  for (size_t i = segment_of(log_start_); i < segments_.size(); ++i) {
    auto& s = segments_[i];
    if (s.size == 0)
      continue;
    const auto youngest = s.find_largest(*cache_, directory_);
    if (!youngest)
      return youngest.error();
    if (youngest->timestamp < timestamp_ms)
      continue;
    auto position = s.find_time(*cache_, directory_, timestamp_ms);
    if (!position)
      return position.error();
    if (!*position)
      continue;
    auto found = record_by_time(s, (*position)->position, timestamp_ms);
    if (!found || *found)
      return found;
  }
  return std::optional<timestamp_offset>{};
}

result<int64_t> partition_log::largest_from(
  const segment& s, offset from) const {
  auto begin = s.find(*cache_, directory_, from, floor_for(from, s));
  if (!begin)
    return begin.error();
  auto source = cache_->open(path_of(s.base, ".log"));
  if (!source)
    return source.error();
  int64_t largest = -1;
  batch_walker walker{*source, *begin ? (*begin)->position : s.size, s.size};
  while (true) {
    auto batch = walker.next();
    if (!batch)
      return batch.error();
    if (!*batch)
      return largest;
    if ((*batch)->header.record_count() > 0)
      largest = std::max(largest, (*batch)->header.max_timestamp());
  }
}

result<std::optional<timestamp_offset>> partition_log::max_timestamp() {
  int64_t largest = -1;
  for (size_t i = segment_of(log_start_); i < segments_.size(); ++i) {
    auto& s = segments_[i];
    if (s.size == 0)
      continue;
    const auto youngest = s.find_largest(*cache_, directory_);
    if (!youngest)
      return youngest.error();
    auto timestamp = youngest->timestamp;
    if (youngest->batch_last < log_start_) {
      // Deleted records do not count, though they are still in the file.
      const auto rest = largest_from(s, log_start_);
      if (!rest)
        return rest.error();
      timestamp = *rest;
    }
    largest = std::max(largest, timestamp);
  }
  if (largest < 0)
    return std::optional<timestamp_offset>{};
  return find_by_time(largest);
}

} // namespace millrace
