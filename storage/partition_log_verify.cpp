#include "schema/planted_bug.hpp"
#include "storage/checked_walk.hpp"
#include "storage/partition_log.hpp"

#include <algorithm>

namespace millrace {

result<std::optional<offset>> partition_log::first_damaged(
  size_t index, offset from, size_t& bytes) const {
  const auto& s = segments_[index];
  auto begin = s.walk_from(*cache_, directory_, from, floor_for(from, s));
  if (!begin)
    return begin.error();
  auto source = cache_->open(path_of(s.base, ".log"));
  if (!source)
    return source.error();
  checked_walk walk{*source, *begin, s.size,
    *begin == 0 ? std::optional{s.base} : std::nullopt, epochs_};
  while (bytes > 0) {
    const auto before = walk.position();
    auto step = walk.next();
    if (!step)
      return step.error();
    // Nobody knows what the first batch behind a hole was.
    const auto reached = walk.next_offset().value_or(s.base);
    if (*step == checked_walk::step::damaged)
      return std::optional{reached};
    if (*step == checked_walk::step::end)
      return reached == end_of(index) ? std::optional<offset>{}
                                      : std::optional{reached};
    if (reached > from)
      bytes -= std::min<size_t>(bytes, walk.position() - before);
  }
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
      if (lost_.add({**damaged, end_of(i), sealed ? end_of(i) : s.base,
            sealed ? 0 : s.size}))
        MILLRACE_TRY(lost_.save(cache_->files(), directory_));
      return true;
    }
    from = end_of(i);
  }
  return false;
}

result<void> partition_log::verify(readable& found) {
  size_t sound_bytes = 0;
  for (size_t i = 0; i < found.slices.size(); ++i) {
    auto& slice = found.slices[i];
    auto& s = segments_[segment_of(found.begins[i])];
    const auto end = slice.position + slice.size;
    if (s.is_known_sound(slice.position, end)
        || planted(bug::log_serves_unread)) {
      sound_bytes += slice.size;
      continue;
    }
    checked_walk walk{
      slice.source, slice.position, end, found.begins[i], epochs_};
    while (true) {
      auto step = walk.next();
      if (!step)
        return step.error();
      if (*step == checked_walk::step::end)
        break;
      if (*step == checked_walk::step::sound)
        continue;
      // What comes before is good; whoever asks for the rest is told.
      slice.size = static_cast<uint32_t>(walk.position() - slice.position);
      found.slices.resize(slice.size > 0 ? i + 1 : i);
      found.begins.resize(found.slices.size());
      found.bytes = sound_bytes + slice.size;
      if (found.slices.empty())
        return error{errc::corrupt, path_of(s.base, ".log") + ": byte "
                                      + std::to_string(walk.position())
                                      + " is not what was written there"};
      return {};
    }
    s.note_sound(slice.position, end);
    sound_bytes += slice.size;
  }
  return {};
}

} // namespace millrace
