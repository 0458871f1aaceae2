#include "storage/partition_log.hpp"

#include <algorithm>

namespace millrace {

partition_log::partition_log(opening what, std::shared_ptr<file_cache> handles)
    : cache_(std::move(handles)), directory_(std::move(what.directory)),
      name_(std::move(what.name)), config_(what.config) {}

partition_log::~partition_log() {
  revoke_compaction();
  // Another log may come to bear these names.
  for (const auto& s : segments_)
    for (const auto* kind : {".log", ".index", ".timeindex"})
      cache_->forget(path_of(s.base, kind));
}

uint64_t partition_log::size_bytes() const {
  uint64_t sum = 0;
  for (const auto& s : segments_)
    sum += s.size;
  return sum;
}

void partition_log::begin_epoch(leader_epoch epoch) {
  if (epoch > epochs_.last_epoch() && epochs_.assign(epoch, log_end_))
    epochs_stale_ = true;
}

void partition_log::expire_producers(int64_t now_ms) {
  producers_.expire(now_ms, config_.producer_id_expiration_ms);
}

std::vector<ended_transaction> partition_log::aborted_in(
  offset from, offset limit) const {
  std::vector<ended_transaction> out;
  for (size_t i = segment_of(from); i < segments_.size(); ++i)
    if (segments_[i].aborted.collect(from, limit, out))
      break;
  return out;
}

size_t partition_log::segment_of(offset at) const {
  const auto above = std::upper_bound(
    segments_.begin(), segments_.end(), at, [](offset o, const segment& s) {
      return o < s.base;
    });
  return above == segments_.begin()
           ? 0
           : static_cast<size_t>(above - segments_.begin()) - 1;
}

offset partition_log::end_of(size_t index) const {
  return index + 1 < segments_.size() ? segments_[index + 1].base : log_end_;
}

bool partition_log::reaches_next(size_t index) const {
  const auto& s = segments_[index];
  const offset last = end_of(index) + int64_t{-1};
  // A failure counts too: whoever asks next for these offsets is told of it.
  auto found = s.find(*cache_, directory_, last, floor_for(last, s));
  return found && *found;
}

result<partition_log::readable> partition_log::read(
  offset from, offset limit, size_t bytes_max, bool at_least_one) const {
  if (from < log_start_ || from > log_end_)
    return error{errc::out_of_range,
      to_string(name_) + ": offset " + std::to_string(from.value)
        + " is not within " + std::to_string(log_start_.value) + " to "
        + std::to_string(log_end_.value)};
  if (const auto* hole = lost_.holding(from))
    return error{errc::corrupt,
      to_string(name_) + ": offsets " + std::to_string(hole->first.value)
        + " to " + std::to_string(hole->end.value - 1) + " are lost"};
  const auto missing = [&, wanted = from](const std::string& why) {
    return error{errc::corrupt, to_string(name_) + ": offset "
                                  + std::to_string(wanted.value)
                                  + " is not where it was written: " + why};
  };
  limit = std::min(limit, log_end_);
  const offset readable_end = lost_.next_above(from, limit);
  const bool stops_at_hole = readable_end < limit;
  limit = readable_end;
  readable out;
  bool found = from >= limit;
  for (size_t i = segment_of(from); i < segments_.size() && from < limit; ++i) {
    const auto& s = segments_[i];
    if (s.base >= limit)
      break; // what stands there may be a hole's, and say any offset
    if (s.size == 0)
      continue;
    auto begin = s.find(*cache_, directory_, from, floor_for(from, s));
    if (!begin && out.bytes > 0)
      break; // whoever reads on from there is told
    if (!begin)
      return begin.error();
    if (!*begin)
      continue;
    const auto position = (*begin)->position;
    const auto base = (*begin)->base;
    // A base offset is not under a checksum; but nothing leaves gaps.
    if (base > from && out.bytes > 0)
      break;
    if (base > from)
      return missing(path_of(s.base, ".log") + ", byte "
                     + std::to_string(position) + " begins at offset "
                     + std::to_string(base.value));
    found = true;
    const auto stop
      = limit < end_of(i) ? std::optional<offset>{limit} : std::nullopt;
    const auto reach = s.extent(*cache_, directory_, position, stop,
      bytes_max - out.bytes, at_least_one && out.bytes == 0);
    if (!reach)
      return reach.error();
    const auto end = reach->end;
    out.more = reach->more;
    if (end > position) {
      auto source = cache_->open(path_of(s.base, ".log"));
      if (!source)
        return source.error();
      const auto size = static_cast<uint32_t>(end - position);
      out.slices.push_back({std::move(*source), position, size});
      out.begins.push_back(base);
      out.bytes += size;
    } else if (stops_at_hole && at_least_one && out.bytes == 0) {
      return missing("its batch goes on in offsets that are lost");
    }
    if (end < s.size || out.bytes >= bytes_max
        || (end_of(i) < limit && !reaches_next(i)))
      break;
    from = end_of(i);
  }
  if (!found)
    return missing("no batch holds it");
  return out;
}

result<shared_bytes> partition_log::read_bytes(
  offset from, offset limit, size_t bytes_max, bool at_least_one) const {
  auto found = read(from, limit, bytes_max, at_least_one);
  if (!found)
    return found.error();
  auto out = shared_bytes::allocate(found->bytes);
  size_t at = 0;
  for (const auto& slice : found->slices) {
    auto got = slice.source->read_at(
      slice.position, out.writable().subspan(at, slice.size));
    if (!got)
      return got.error();
    if (*got < slice.size)
      return error{
        errc::corrupt, to_string(name_) + ": a segment is shorter than it was"};
    at += slice.size;
  }
  return out;
}

} // namespace millrace
