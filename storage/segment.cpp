#include "storage/segment.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <cstdio>

namespace millrace {

namespace {

constexpr size_t name_digits = 20;
// A look at the batches near an index entry reads so much at once.
constexpr size_t look_bytes = 4096;

/// An empty batch still says how old its last record was when compaction took
/// it, and nobody finds it there.
int64_t youngest_in(const batch_view& batch) {
  return batch.record_count() > 0 ? batch.max_timestamp() : -1;
}

} // namespace

std::string segment_path(
  const std::string& directory, offset base, std::string_view suffix) {
  char digits[name_digits + 1];
  std::snprintf(
    digits, sizeof digits, "%020lld", static_cast<long long>(base.value));
  std::string path;
  path.reserve(directory.size() + 1 + name_digits + suffix.size());
  path.append(directory).append("/").append(digits).append(suffix);
  return path;
}

std::optional<offset> parse_segment_name(
  std::string_view name, std::string_view suffix) {
  if (name.size() != name_digits + suffix.size() || !name.ends_with(suffix))
    return {};
  offset base;
  const auto* end = name.data() + name_digits;
  const auto [stop, failed] = std::from_chars(name.data(), end, base.value);
  if (failed != std::errc{} || stop != end || base.value < 0)
    return {};
  return base;
}

void segment::note(const batch_view& batch, offset base_offset,
  uint64_t position, uint32_t batch_size, int64_t index_interval_bytes) {
  const offset last = base_offset + int64_t{batch.last_offset_delta()};
  const int64_t timestamp = youngest_in(batch);
  if (!first_timestamp)
    first_timestamp = timestamp;
  if (!largest)
    largest.emplace();
  if (timestamp > largest->timestamp)
    largest = {timestamp, last};
  if (bytes_since_entry_ > index_interval_bytes) {
    offsets.append({static_cast<int32_t>(last.value - base.value),
      static_cast<int32_t>(position)});
    close_times();
    bytes_since_entry_ = 0;
  }
  bytes_since_entry_ += batch_size;
  size = position + batch_size;
}

void segment::close_times() {
  const auto& entries = times.entries();
  if (!largest || largest->timestamp < 0
      || (!entries.empty() && largest->timestamp <= entries.back().timestamp))
    return;
  times.append({largest->timestamp,
    static_cast<int32_t>(largest->batch_last.value - base.value)});
}

bool segment::must_roll(const log_config& config, size_t pending,
  size_t batch_size, offset last, int64_t max_timestamp, int64_t now_ms) const {
  if (size + pending == 0)
    return false;
  if (last.value - base.value > INT32_MAX)
    return true;
  const int64_t size_max = std::min<int64_t>(config.segment_bytes, INT32_MAX);
  if (static_cast<int64_t>(size + pending + batch_size) > size_max)
    return true;
  const auto room = static_cast<size_t>(config.segment_index_bytes);
  if (offsets.size_bytes() + offset_entry::size > room
      || times.size_bytes() + time_entry::size > room)
    return true;
  const bool by_records
    = first_timestamp && *first_timestamp >= 0 && max_timestamp >= 0;
  const int64_t age
    = by_records ? max_timestamp - *first_timestamp : now_ms - created_ms;
  return age > config.segment_ms - jitter(config);
}

// From what is known after a restart, too.
int64_t segment::jitter(const log_config& config) const {
  const auto most = std::min(config.segment_jitter_ms, config.segment_ms);
  if (most <= 0)
    return 0;
  const auto mixed
    = static_cast<uint64_t>(base.value + first_timestamp.value_or(0))
      * 0x9e3779b97f4a7c15ull;
  return static_cast<int64_t>((mixed >> 1) % static_cast<uint64_t>(most));
}

bool segment::checked(
  const slice_source& source, const offset_entry& entry) const {
  if (entry.position < 0 || entry.relative_offset < 0
      || static_cast<uint64_t>(entry.position) + batch_view::header_size > size)
    return false;
  std::array<std::byte, batch_view::header_size> header;
  auto got = source.read_at(static_cast<uint64_t>(entry.position), header);
  if (!got || *got < header.size())
    return false;
  const batch_view view{header};
  return view.plausible()
         && view.last_offset() == base + int64_t{entry.relative_offset};
}

result<bool> segment::checked(file_cache& cache, const std::string& directory,
  const time_entry& entry) const {
  if (entry.relative_offset < 0)
    return false;
  const offset last = base + int64_t{entry.relative_offset};
  auto found = find(cache, directory, last);
  if (!found && found.error().code != errc::corrupt)
    return found.error();
  if (!found || !*found)
    return false;
  auto source = cache.open(segment_path(directory, base, ".log"));
  if (!source)
    return source.error();
  batch_walker walker{*source, (*found)->position, size, look_bytes};
  auto batch = walker.next();
  if (!batch && batch.error().code != errc::corrupt)
    return batch.error();
  if (!batch || !*batch)
    return false;
  auto bytes = walker.whole();
  if (!bytes)
    return bytes.error();
  const batch_view whole{*bytes};
  return whole.last_offset() == last && whole.max_timestamp() == entry.timestamp
         && whole.crc() == whole.computed_crc();
}

result<uint64_t> segment::walk_from(file_cache& cache,
  const std::string& directory, offset wanted, uint64_t floor) const {
  auto entry = offsets.last_where(
    [&](const offset_entry& e) {
      return base + int64_t{e.relative_offset} <= wanted;
    },
    cache, segment_path(directory, base, ".index"));
  if (!entry)
    return entry.error();
  auto source = cache.open(segment_path(directory, base, ".log"));
  if (!source)
    return source.error();
  if (*entry && checked(**source, **entry))
    return std::max(floor, static_cast<uint64_t>((*entry)->position));
  return floor;
}

result<std::optional<found_batch>> segment::find(file_cache& cache,
  const std::string& directory, offset wanted, uint64_t floor) const {
  auto from = walk_from(cache, directory, wanted, floor);
  if (!from)
    return from.error();
  auto source = cache.open(segment_path(directory, base, ".log"));
  if (!source)
    return source.error();
  batch_walker walker{*source, *from, size, look_bytes};
  std::optional<offset> expected;
  while (true) {
    auto batch = walker.next();
    if (!batch)
      return batch.error();
    if (!*batch)
      return std::optional<found_batch>{};
    const auto& header = (*batch)->header;
    // Bytes that belong elsewhere may look like a batch, and say any offset.
    if (expected && header.base_offset() != *expected)
      return error{errc::corrupt,
        "byte " + std::to_string((*batch)->position) + ": offset "
          + std::to_string(header.base_offset().value) + " where "
          + std::to_string(expected->value) + " should be"};
    expected = header.last_offset() + int64_t{1};
    if (header.last_offset() >= wanted)
      return std::optional{found_batch{
        (*batch)->position, walker.position(), header.base_offset()}};
  }
}

result<segment::reach> segment::extent(file_cache& cache,
  const std::string& directory, uint64_t from, std::optional<offset> limit,
  size_t bytes_max, bool at_least_one) const {
  const uint64_t furthest = from + std::min<uint64_t>(bytes_max, size - from);
  if (!limit && furthest == size)
    return reach{size};
  auto entry = offsets.last_where(
    [&](const offset_entry& e) {
      return static_cast<uint64_t>(e.position) <= furthest
             && (!limit || base + int64_t{e.relative_offset} < *limit);
    },
    cache, segment_path(directory, base, ".index"));
  if (!entry)
    return entry.error();
  auto source = cache.open(segment_path(directory, base, ".log"));
  if (!source)
    return source.error();
  uint64_t start = from;
  if (*entry && checked(**source, **entry))
    start = std::max(start, static_cast<uint64_t>((*entry)->position));
  batch_walker walker{*source, start, size, look_bytes};
  std::optional<offset> expected;
  while (true) {
    auto batch = walker.next();
    if (!batch) {
      // Behind sound batches there may be a hole.
      if (batch.error().code == errc::corrupt && walker.position() > from)
        return reach{walker.position()};
      return batch.error();
    }
    if (!*batch)
      return reach{size};
    const auto& [position, batch_size, header] = **batch;
    // A lost range's bytes may look like a batch, and say any offset.
    if (expected && header.base_offset() != *expected)
      return reach{position};
    expected = header.last_offset() + int64_t{1};
    if (limit && header.last_offset() >= *limit)
      return reach{position};
    if (position + batch_size > furthest && !(at_least_one && position == from))
      return reach{position, true};
  }
}

result<uint64_t> segment::rewind(
  file_cache& cache, const std::string& directory, uint64_t end) {
  auto source = cache.open(segment_path(directory, base, ".log"));
  if (!source)
    return source.error();
  size = end;
  offsets.drop_back_while([&](const offset_entry& e) {
    return static_cast<uint64_t>(e.position) >= end || !checked(**source, e);
  });
  uint64_t from = 0;
  int64_t known = -1; // the last offset of the batch that the index ends with
  if (!offsets.entries().empty()) {
    from = static_cast<uint64_t>(offsets.entries().back().position);
    known = offsets.entries().back().relative_offset;
  }
  times.drop_back_while([&](const time_entry& e) {
    return e.relative_offset > known;
  });
  largest.reset();
  if (!times.entries().empty()) {
    const auto& entry = times.entries().back();
    largest = {entry.timestamp, base + int64_t{entry.relative_offset}};
  }
  bytes_since_entry_ = 0;
  first_timestamp.reset();
  batch_walker first{*source, 0, end, batch_view::header_size};
  if (auto batch = first.next(); batch && *batch)
    first_timestamp = (*batch)->header.max_timestamp();
  size = from;
  return from;
}

result<void> segment::resume(file_cache& cache, const std::string& directory,
  uint64_t end, int64_t index_interval_bytes) {
  auto from = rewind(cache, directory, end);
  if (!from)
    return from.error();
  auto source = cache.open(segment_path(directory, base, ".log"));
  if (!source)
    return source.error();
  batch_walker walker{*source, *from, end};
  while (true) {
    auto batch = walker.next();
    if (!batch)
      return batch.error();
    if (!*batch)
      return {};
    const auto& [position, batch_size, header] = **batch;
    note(
      header, header.base_offset(), position, batch_size, index_interval_bytes);
  }
}

result<std::optional<found_batch>> segment::find_time(
  file_cache& cache, const std::string& directory, int64_t timestamp) const {
  auto entry = times.last_where(
    [&](const time_entry& e) {
      return e.timestamp < timestamp;
    },
    cache, segment_path(directory, base, ".timeindex"));
  if (!entry)
    return entry.error();
  if (!*entry)
    return find(cache, directory, base);
  auto known = checked(cache, directory, **entry);
  if (!known)
    return known.error();
  if (!*known)
    return find(cache, directory, base);
  return find(
    cache, directory, base + (int64_t{(*entry)->relative_offset} + 1));
}

result<largest_timestamp> segment::find_largest(
  file_cache& cache, const std::string& directory) {
  if (largest)
    return *largest;
  auto entry = times.last_where(
    [](const time_entry&) {
      return true;
    },
    cache, segment_path(directory, base, ".timeindex"));
  if (!entry)
    return entry.error();
  auto known = *entry ? checked(cache, directory, **entry) : result{false};
  if (!known)
    return known.error();
  if (*known) {
    largest = {(*entry)->timestamp, base + int64_t{(*entry)->relative_offset}};
    return *largest;
  }
  auto source = cache.open(segment_path(directory, base, ".log"));
  if (!source)
    return source.error();
  largest_timestamp found;
  batch_walker walker{*source, 0, size};
  while (true) {
    auto batch = walker.next();
    if (!batch)
      return batch.error();
    if (!*batch)
      break;
    auto bytes = walker.whole();
    if (!bytes)
      return bytes.error();
    const batch_view whole{*bytes};
    if (whole.crc() != whole.computed_crc())
      return error{errc::corrupt, "a checksum is wrong"};
    if (youngest_in(whole) > found.timestamp)
      found = {youngest_in(whole), whole.last_offset()};
  }
  largest = found;
  return found;
}

result<void> segment::find_first_timestamp(
  file_cache& cache, const std::string& directory) {
  if (first_timestamp || size == 0)
    return {};
  auto source = cache.open(segment_path(directory, base, ".log"));
  if (!source)
    return source.error();
  batch_walker walker{*source, 0, size, batch_view::header_size};
  auto first = walker.next();
  if (!first)
    return first.error();
  if (*first)
    first_timestamp = (*first)->header.max_timestamp();
  return {};
}

} // namespace millrace
