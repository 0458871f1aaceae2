#pragma once

// A sparse index beside a segment: entries of a fixed size, both of whose
// numbers rise. The active segment's is in memory only; a sealed one's is a
// file that is searched in place, so that an idle log costs no memory.
//
// An index is a hint: its file is not checksummed and may be older than the
// log. Whoever follows an entry checks what is there (partition_log).

#include "storage/file_cache.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

/// `Entry` has `static constexpr size_t size`, `store(std::byte*)` and
/// `static load(const std::byte*)`.
template <class Entry>
class segment_index {
public:
  /// Precondition: resident().
  void append(const Entry& entry) {
    entries_.push_back(entry);
  }
  void clear() {
    entries_ = {};
    resident_ = true;
  }

  [[nodiscard]] bool resident() const {
    return resident_;
  }
  /// Precondition of both: resident().
  [[nodiscard]] const std::vector<Entry>& entries() const {
    return entries_;
  }
  [[nodiscard]] size_t size_bytes() const {
    return entries_.size() * Entry::size;
  }

  /// Drops entries from the back while `beyond(entry)`.
  template <class Predicate>
  void drop_back_while(Predicate beyond) {
    while (!entries_.empty() && beyond(entries_.back()))
      entries_.pop_back();
  }

  /// Leaves the entries to the file at `path` that holds them (or nothing,
  /// if there is no file).
  void leave_to_file() {
    entries_ = {};
    resident_ = false;
  }

  /// Writes all entries to a new file, not synced, and forgets them here.
  /// Precondition: resident().
  result<std::shared_ptr<file>> seal(
    file_cache& cache, const std::string& path) {
    auto written = write(cache, path);
    if (written)
      leave_to_file();
    return written;
  }

  /// Writes all entries to a new file, not synced.
  result<std::shared_ptr<file>> write(
    file_cache& cache, const std::string& path) const {
    std::vector<std::byte> bytes(entries_.size() * Entry::size);
    for (size_t i = 0; i < entries_.size(); ++i)
      entries_[i].store(bytes.data() + i * Entry::size);
    auto made = cache.create(path);
    if (!made)
      return made.error();
    MILLRACE_TRY((*made)->write_at(0, std::span<const std::byte>{bytes}));
    return made;
  }

  /// Reads a whole file into memory; a missing one is an empty index.
  result<void> load(file_cache& cache, const std::string& path) {
    clear();
    auto opened = cache.open(path);
    if (!opened)
      return opened.error().code == errc::not_found ? result<void>{}
                                                    : opened.error();
    auto size = (*opened)->size();
    if (!size)
      return size.error();
    std::vector<std::byte> bytes(*size);
    auto got = (*opened)->read_at(0, bytes);
    if (!got)
      return got.error();
    const size_t count = *got / Entry::size;
    entries_.reserve(count);
    for (size_t i = 0; i < count; ++i)
      entries_.push_back(Entry::load(bytes.data() + i * Entry::size));
    return {};
  }

  /// The last entry for which `before(entry)` holds, given that it holds for
  /// a prefix. Reads the file at `path` when not resident; a missing file
  /// has no entries.
  template <class Predicate>
  result<std::optional<Entry>> last_where(
    Predicate before, file_cache& cache, const std::string& path) const {
    if (resident_) {
      auto after
        = std::partition_point(entries_.begin(), entries_.end(), before);
      if (after == entries_.begin())
        return std::optional<Entry>{};
      return std::optional<Entry>{*std::prev(after)};
    }
    auto opened = cache.open(path);
    if (!opened) {
      if (opened.error().code == errc::not_found)
        return std::optional<Entry>{};
      return opened.error();
    }
    return search(**opened, before);
  }

private:
  template <class Predicate>
  static result<std::optional<Entry>> search(
    const file& source, Predicate before) {
    auto size = source.size();
    if (!size)
      return size.error();
    // Entries [0, low) hold; [high, count) do not.
    uint64_t low = 0;
    uint64_t high = *size / Entry::size;
    std::optional<Entry> found;
    std::array<std::byte, Entry::size> bytes;
    while (low < high) {
      const uint64_t middle = low + (high - low) / 2;
      auto got = source.read_at(middle * Entry::size, bytes);
      if (!got)
        return got.error();
      if (*got < Entry::size)
        return std::optional<Entry>{};
      const auto entry = Entry::load(bytes.data());
      if (before(entry)) {
        found = entry;
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return found;
  }

  std::vector<Entry> entries_;
  bool resident_ = true;
};

} // namespace millrace
