#include "storage/partition_log.hpp"

#include <algorithm>

namespace millrace {

result<std::optional<offset>> partition_log::first_damaged(
  size_t index, offset from, size_t& bytes) const {
  const auto& s = segments_[index];
  const auto floor = floor_for(from, s);
  auto begin = s.walk_from(*cache_, directory_, from, floor);
  if (!begin)
    return begin.error();
  auto source = cache_->open(path_of(s.base, ".log"));
  if (!source)
    return source.error();
  batch_walker walker{*source, *begin, s.size};
  std::optional<offset> next;
  if (*begin == 0)
    next = s.base;
  while (bytes > 0 && walker.position() < s.size) {
    auto batch = walker.next();
    if (!batch && batch.error().code != errc::corrupt)
      return batch.error();
    const bool follows
      = batch && *batch && (!next || (*batch)->header.base_offset() == *next);
    if (!follows)
      // Nobody knows what the first batch behind a hole was.
      return std::optional{next.value_or(s.base)};
    auto whole = walker.whole();
    if (!whole)
      return whole.error();
    const batch_view view{*whole};
    if (view.crc() != view.computed_crc())
      return std::optional{view.base_offset()};
    next = view.last_offset() + int64_t{1};
    if (*next > from)
      bytes -= std::min(bytes, whole->size());
  }
  if (bytes > 0 && next.value_or(s.base) != end_of(index))
    return std::optional{next.value_or(s.base)};
  return std::optional<offset>{};
}

result<bool> partition_log::look_for_damage(offset from, size_t bytes) {
  from = std::max(from, log_start_);
  for (auto i = segment_of(from); i < segments_.size() && bytes > 0; ++i) {
    if (from >= log_end_)
      break;
    if (lost_.holding(from) != nullptr)
      return true;
    auto damaged = first_damaged(i, from, bytes);
    if (!damaged)
      return damaged.error();
    if (*damaged) {
      const auto& s = segments_[i];
      const bool sealed = i + 1 < segments_.size();
      if (lost_.add({**damaged, end_of(i),
            sealed ? segments_[i + 1].base : s.base, sealed ? 0 : s.size}))
        MILLRACE_TRY(lost_.save(cache_->files(), directory_));
      return true;
    }
    from = end_of(i);
  }
  return false;
}

} // namespace millrace
