#pragma once

// One file of a log with its two indexes. The last one is active: it grows
// and its indexes are in memory. Files: docs/formats/segment-files.md.

#include "schema/types.hpp"
#include "storage/log_config.hpp"
#include "storage/offset_index.hpp"
#include "storage/record_batch.hpp"
#include "storage/segment_scan.hpp"
#include "storage/time_index.hpp"
#include "storage/transaction_index.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// `<directory>/<offset, 20 digits><suffix>`.
[[nodiscard]] std::string segment_path(
  const std::string& directory, offset base, std::string_view suffix);
/// The offset of `<20 digits><suffix>`; nullopt for any other name.
[[nodiscard]] std::optional<offset> parse_segment_name(
  std::string_view name, std::string_view suffix);

/// The largest timestamp of a segment, and the last offset of its batch.
struct largest_timestamp {
  int64_t timestamp = -1;
  offset batch_last{-1};
};

/// Where a batch lies in the file, and begins in the log.
struct found_batch {
  uint64_t position = 0;
  uint64_t end = 0; ///< of its bytes
  offset base;
};

/// A segment as its log knows it. Knows no other segment.
class segment {
public:
  segment(offset base, int64_t created_ms)
      : base(base), created_ms(created_ms) {}

  offset base;
  uint64_t size = 0;
  /// Wall clock at creation or opening: a batch without timestamp is rolled
  /// by it.
  int64_t created_ms;
  /// The first batch's largest timestamp: `segment.ms` counts from it.
  std::optional<int64_t> first_timestamp;
  /// Unknown for a sealed segment until asked for.
  std::optional<largest_timestamp> largest;
  offset_index offsets;
  time_index times;
  /// Always in memory, as there is seldom anything in it.
  transaction_index aborted;
  /// Whether its file is there, perhaps an older one.
  bool aborted_filed = false;

  /// Bytes that were there when the log was opened, and whose checksums nobody
  /// has looked at since.
  struct unread_bytes {
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  unread_bytes unread;
  [[nodiscard]] bool is_known_sound(uint64_t from, uint64_t to) const {
    return to <= unread.begin || from >= unread.end;
  }
  void note_sound(uint64_t from, uint64_t to) {
    if (from <= unread.begin)
      unread.begin = std::max(unread.begin, to);
  }

  /// Notes a batch that begins at `position`, the end so far, for the sparse
  /// indexes, at the rate of `index.interval.bytes`. Precondition: active.
  void note(const batch_view& batch, offset base_offset, uint64_t position,
    uint32_t batch_size, int64_t index_interval_bytes);

  /// Whether a batch with these properties, behind `pending` bytes that are
  /// not written yet, must go to a new segment: the file, an index or the
  /// relative offset would grow too far, or the first batch is too old.
  [[nodiscard]] bool must_roll(const log_config& config, size_t pending,
    size_t batch_size, offset last, int64_t max_timestamp,
    int64_t now_ms) const;

  /// Where the batch that holds `wanted` begins, or the first one after it;
  /// nullopt if the segment ends before. Looks at nothing before `floor`,
  /// where a batch begins: behind a hole, it is where reading goes on.
  result<std::optional<found_batch>> find(file_cache& cache,
    const std::string& directory, offset wanted, uint64_t floor = 0) const;

  struct reach {
    uint64_t end;
    /// The batch that begins there is below the limit, too: it did not fit.
    bool more = false;
  };
  /// How far whole batches go from `from`, a batch's begin: up to the first
  /// that reaches `limit` (nullopt: all may go), and at most `bytes_max`
  /// bytes, but one batch below the limit in any case if `at_least_one`.
  result<reach> extent(file_cache& cache, const std::string& directory,
    uint64_t from, std::optional<offset> limit, size_t bytes_max,
    bool at_least_one) const;

  /// From where batches must be looked at for one that is as young as
  /// `timestamp`; nullopt if there is none.
  result<std::optional<found_batch>> find_time(
    file_cache& cache, const std::string& directory, int64_t timestamp) const;

  /// `largest`, which is read from the time index, or the batches, once.
  result<largest_timestamp> find_largest(
    file_cache& cache, const std::string& directory);

  /// `first_timestamp`, which is read from the first batch once.
  result<void> find_first_timestamp(
    file_cache& cache, const std::string& directory);

  /// Appends the closing entry to the time index, as Kafka does on a roll.
  void close_times();

  /// Drops what the indexes say about `end`, where a batch ends, and behind,
  /// and returns where the batch begins that they end with: from there to
  /// `end`, batches are to be noted again. Precondition: active.
  result<uint64_t> rewind(
    file_cache& cache, const std::string& directory, uint64_t end);
  /// Rewinds, and notes what is left. Precondition: active.
  result<void> resume(file_cache& cache, const std::string& directory,
    uint64_t end, int64_t index_interval_bytes);

  /// Makes the next batch get an index entry of its own.
  void force_entry() {
    bytes_since_entry_ = INT32_MAX;
  }

  /// Where a batch begins, at `floor` or behind it, from which one comes to the
  /// batch that holds `wanted`.
  result<uint64_t> walk_from(file_cache& cache, const std::string& directory,
    offset wanted, uint64_t floor) const;

private:
  /// How much earlier this segment ends than `segment.ms` says.
  [[nodiscard]] int64_t jitter(const log_config& config) const;
  /// Whether an index entry tells the truth.
  [[nodiscard]] bool checked(
    const slice_source& source, const offset_entry& entry) const;
  /// The same of one of the time index, by the batch that it names and its
  /// checksum. Errors: those of the file.
  [[nodiscard]] result<bool> checked(file_cache& cache,
    const std::string& directory, const time_entry& entry) const;

  int64_t bytes_since_entry_ = 0;
};

} // namespace millrace
