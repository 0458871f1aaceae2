#include "storage/consensus_log.hpp"

#include <algorithm>

namespace millrace {

namespace {

// Pads an entry to a multiple of 8 bytes.
constexpr std::array<std::byte, 8> zeros{};

uint64_t stride_of(const consensus_entry& e) {
  return consensus_entry_header{
    .payload_bytes = static_cast<uint32_t>(e.payload.size())}
    .stride();
}

} // namespace

uint64_t consensus_log::last_index() const {
  return segments_.back().next_index() - 1;
}

uint64_t consensus_log::last_term() const {
  return term_at(last_index()).value_or(0);
}

result<void> consensus_log::usable() const {
  if (offline_)
    return error{errc::offline,
      "consensus log " + directory_ + ": a write or sync failed before"};
  return {};
}

const consensus_log::segment* consensus_log::holder_of(uint64_t index) const {
  for (auto s = segments_.rbegin(); s != segments_.rend(); ++s)
    if (s->header.first_index <= index)
      return index < s->next_index() ? &*s : nullptr;
  return nullptr;
}

std::optional<uint64_t> consensus_log::term_at(uint64_t index) const {
  if (index + 1 < first_index_)
    return std::nullopt;
  if (index + 1 == segments_.front().header.first_index)
    return segments_.front().header.previous_term;
  const auto* s = holder_of(index);
  if (s == nullptr)
    return std::nullopt;
  return s->places[index - s->header.first_index].term;
}

result<void> consensus_log::fill_to(segment& s, uint64_t end) {
  if (end <= s.filled)
    return {};
  const auto ahead = std::min(
    s.filled + options_.fill_bytes, std::max(options_.segment_bytes, end));
  const auto target = std::max(end, ahead);
  const std::vector<std::byte> run(target - s.filled);
  MILLRACE_TRY(s.handle->write_at(s.filled, run));
  s.filled = target;
  return {};
}

result<void> consensus_log::start_segment(
  uint64_t first_index, uint64_t previous_term, bool starts_over) {
  segment fresh;
  fresh.header = {next_sequence_, first_index, previous_term, starts_over};
  fresh.path = directory_ + "/" + fresh.header.file_name();
  const auto aside = fresh.path + ".new";
  const auto build = [&]() -> result<void> {
    auto opened = files_.open(aside, open_mode::create_fresh);
    if (!opened)
      return opened.error();
    fresh.handle = std::move(*opened);
    const auto head = fresh.header.encode();
    MILLRACE_TRY(fresh.handle->write_at(0, head));
    fresh.filled = head.size();
    MILLRACE_TRY(fill_to(fresh, head.size() + 1));
    return fresh.handle->sync();
  };
  if (auto built = build(); !built) {
    // Nothing has changed yet. The space is wanted back; what cannot be
    // removed now goes when the log is next opened.
    static_cast<void>(files_.remove(aside));
    return built;
  }
  // From here on only a new opening can tell which segments count.
  offline_ = true;
  MILLRACE_TRY(files_.rename(aside, fresh.path));
  MILLRACE_TRY(files_.sync_directory(directory_));
  offline_ = false;
  segments_.push_back(std::move(fresh));
  ++next_sequence_;
  return {};
}

size_t consensus_log::fitting(std::span<const consensus_entry> entries) const {
  const auto& s = segments_.back();
  uint64_t end = s.end;
  size_t count = 0;
  for (const auto& e : entries) {
    end += stride_of(e);
    const bool alone = s.places.empty() && count == 0;
    if (end > options_.segment_bytes && !alone)
      break;
    ++count;
  }
  return count;
}

result<void> consensus_log::append(std::span<const consensus_entry> entries) {
  MILLRACE_TRY(usable());
  auto index = last_index();
  auto term = last_term();
  for (const auto& e : entries) {
    MILLRACE_ASSERT(e.index == ++index, "a consensus log has no gaps");
    MILLRACE_ASSERT(e.term >= term, "terms do not fall along a log");
    term = e.term;
    if (e.payload.size() > options_.payload_bytes_max)
      return error{errc::too_large,
        "consensus log " + directory_ + ": entry " + std::to_string(e.index)
          + " has " + std::to_string(e.payload.size()) + " bytes; at most "
          + std::to_string(options_.payload_bytes_max) + " are allowed"};
  }
  while (!entries.empty()) {
    const auto count = fitting(entries);
    if (count == 0) {
      // Recovery counts on every segment but the last being durable.
      MILLRACE_TRY(sync());
      MILLRACE_TRY(start_segment(entries.front().index, last_term(), false));
      continue;
    }
    MILLRACE_TRY(append_to_last(entries.first(count)));
    entries = entries.subspan(count);
  }
  return {};
}

result<void> consensus_log::append_to_last(
  std::span<const consensus_entry> entries) {
  auto& s = segments_.back();
  std::vector<std::array<std::byte, consensus_entry_header::bytes>> heads;
  heads.reserve(entries.size());
  std::vector<std::span<const std::byte>> parts;
  parts.reserve(3 * entries.size());
  std::vector<place> places;
  uint64_t end = s.end;
  for (const auto& e : entries) {
    consensus_entry_header head;
    head.payload_bytes = static_cast<uint32_t>(e.payload.size());
    head.term = e.term;
    head.index = e.index;
    head.synced_index = durable_index_;
    head.type = e.type;
    heads.push_back(head.encode(s.header.sequence, end, e.payload.span()));
    parts.emplace_back(heads.back());
    parts.push_back(e.payload.span());
    parts.push_back(
      std::span{zeros}.first(head.stride() - head.bytes - head.payload_bytes));
    places.push_back({e.term, end, head.payload_bytes});
    end += head.stride();
  }
  MILLRACE_TRY(fill_to(s, end));
  if (auto wrote = s.handle->write_at(s.end, parts); !wrote) {
    // A part of the entries may be there, to be found by a recovery.
    offline_ = true;
    return wrote;
  }
  s.places.insert(s.places.end(), places.begin(), places.end());
  s.end = end;
  return {};
}

result<void> consensus_log::sync() {
  MILLRACE_TRY(usable());
  if (durable_index_ == last_index())
    return {};
  // All segments but the last were synced when they were left.
  if (auto synced = segments_.back().handle->sync(); !synced) {
    offline_ = true;
    return synced;
  }
  durable_index_ = last_index();
  return {};
}

result<void> consensus_log::truncate_from(uint64_t index) {
  MILLRACE_TRY(usable());
  MILLRACE_ASSERT(index >= first_index_, "what is dropped is not truncated");
  if (index > last_index())
    return {};
  MILLRACE_TRY(sync());
  const auto kept_term = *term_at(index - 1);
  MILLRACE_TRY(start_segment(index, kept_term, false));
  durable_index_ = index - 1;
  // The segment before the new one that is cut, or goes altogether.
  size_t superseded = segments_.size() - 1;
  while (
    superseded > 0 && segments_[superseded - 1].header.first_index >= index)
    --superseded;
  if (superseded > 0) {
    auto& cut = segments_[superseded - 1];
    cut.places.resize(index - cut.header.first_index);
  }
  return remove_segments(superseded, segments_.size() - 1);
}

result<void> consensus_log::drop_before(uint64_t index, uint64_t term) {
  MILLRACE_TRY(usable());
  if (index <= first_index_)
    return {};
  if (term_at(index - 1) != term) {
    MILLRACE_TRY(start_segment(index, term, true));
    first_index_ = index;
    durable_index_ = index - 1;
    return remove_segments(0, segments_.size() - 1);
  }
  first_index_ = index;
  size_t dropped = 0;
  while (dropped + 1 < segments_.size()
         && segments_[dropped + 1].header.first_index <= index)
    ++dropped;
  return remove_segments(0, dropped);
}

result<void> consensus_log::remove_segments(size_t begin, size_t end) {
  std::vector<std::string> paths;
  for (size_t i = begin; i < end; ++i)
    paths.push_back(segments_[i].path);
  const auto first = segments_.begin();
  segments_.erase(
    first + static_cast<ptrdiff_t>(begin), first + static_cast<ptrdiff_t>(end));
  // One after the other, oldest first: a crash must not leave a gap.
  for (const auto& path : paths) {
    MILLRACE_TRY(files_.remove(path));
    MILLRACE_TRY(files_.sync_directory(directory_));
  }
  return {};
}

result<std::vector<consensus_entry>> consensus_log::read(
  uint64_t from, uint64_t bytes_max) const {
  if (from < first_index_ || from > last_index() + 1)
    return error{errc::out_of_range,
      "consensus log " + directory_ + ": no entry " + std::to_string(from)
        + "; it holds " + std::to_string(first_index_) + " to "
        + std::to_string(last_index())};
  std::vector<consensus_entry> entries;
  uint64_t bytes = 0;
  for (bool full = false; !full && from <= last_index();) {
    const auto& s = *holder_of(from);
    const size_t begin = from - s.header.first_index;
    size_t end = begin;
    for (; end < s.places.size(); ++end) {
      bytes += s.places[end].payload_bytes;
      const bool first = entries.empty() && end == begin;
      full = bytes > bytes_max && !first;
      if (full)
        break;
    }
    if (end > begin)
      MILLRACE_TRY(read_run(s, begin, end, entries));
    from = s.header.first_index + end;
  }
  return entries;
}

result<void> consensus_log::read_run(const segment& s, size_t begin, size_t end,
  std::vector<consensus_entry>& into) const {
  const auto start = s.places[begin].position;
  const auto& last = s.places[end - 1];
  const auto run = shared_bytes::allocate(
    last.position - start + consensus_entry_header::bytes + last.payload_bytes);
  auto got = s.handle->read_at(start, run.writable());
  if (!got)
    return got.error();
  for (size_t i = begin; i < end; ++i) {
    const auto at = s.places[i].position - start;
    const auto head = consensus_entry_header::decode(
      run.span().first(*got), at, s.header.sequence, start);
    if (!head || head->index != s.header.first_index + i
        || head->payload_bytes != s.places[i].payload_bytes)
      return error{errc::corrupt, "consensus log " + s.path + ", byte "
                                    + std::to_string(s.places[i].position)
                                    + ": entry "
                                    + std::to_string(s.header.first_index + i)
                                    + " is not what was written"};
    into.push_back({head->term, head->index, head->type,
      run.slice(at + consensus_entry_header::bytes, head->payload_bytes)});
  }
  return {};
}

} // namespace millrace
