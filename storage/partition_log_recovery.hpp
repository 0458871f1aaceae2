#pragma once

// Opens a log: finds its segments, looks at what may not have been durable,
// and tells a write that was cut by a crash from bytes that went bad (R10).
//
// Below the durable hint nothing is ever cut: what makes no sense there is a
// hole, whose offsets are refused and not used again. Above it, bytes with no
// sound batch behind them are a torn tail; with one, they are kept aside.

#include "storage/partition_log.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Beside the segments: docs/formats/segment-files.md.
inline constexpr std::string_view cut_mark_name = "millrace.cut-short";

class partition_log::recovery {
public:
  recovery(partition_log& log, const opening& what);

  result<void> run();

private:
  /// Ends the swaps of compaction that a crash has interrupted (R18).
  result<void> finish_swaps(const std::vector<directory_entry>& entries);
  result<void> finish_swap(
    offset base, const std::vector<directory_entry>& entries);
  /// The same for the indexes of a segment whose log has its name already.
  result<void> finish_indexes(offset base);
  /// Whether a segment's new offset index is of the log that is there.
  result<bool> fits_log(offset base);
  /// Sorts the directory's names. False if there is no directory.
  result<bool> list();
  result<void> create(offset base);
  /// Reads the epochs' file and chooses the snapshot and the first segment
  /// that must be walked.
  result<void> prepare();
  /// Reads which transactions were aborted in the segments below `limit`.
  /// Returns from where on only the batches can tell: `limit`, or the first
  /// segment whose file makes no sense.
  result<offset> load_aborted(offset limit);
  /// Segments below the hint are not walked if each reaches the next one.
  void walk_from_first_gap();
  result<void> walk();
  /// Walks the tail of a cleanly closed log from its index's last entry.
  /// False if the index is no good.
  result<bool> walk_tail();
  result<void> walk_segment(size_t index);
  /// Walks sound batches; moves `position` and the log's end. False if it
  /// stopped at bytes that are no batch of this place.
  result<bool> walk_run(size_t index, const std::shared_ptr<file>& source,
    uint64_t& position, uint64_t end);
  /// Whether a batch with this header may come at `expected`.
  [[nodiscard]] bool follows(
    size_t index, const batch_view& header, offset expected) const;
  void note(segment& s, const batch_view& batch, uint64_t position,
    const std::optional<end_transaction_marker>& marker);

  // partition_log_damage.cpp
  /// Deals with bytes at `position` that are no batch. Returns where to go on
  /// in this segment; nullopt if nowhere.
  result<std::optional<uint64_t>> bad_bytes(size_t index,
    const std::shared_ptr<file>& source, uint64_t position, uint64_t end);
  /// Batches without a gap that may lie in segment `index` where the log's end
  /// is now, and end before what is none.
  struct sound_run {
    uint64_t position = 0;
    offset first;
    offset after;
    uint64_t stop = 0;
  };
  /// The first one at or after `from`.
  result<std::optional<sound_run>> find_run(size_t index,
    const std::shared_ptr<file>& source, uint64_t from, uint64_t end) const;
  /// Segment `index` begins above where the log ends.
  result<void> gap(size_t index);
  /// Where the segment behind `index` begins: no batch of this one goes on
  /// there.
  [[nodiscard]] offset ceiling(size_t index) const;
  /// Takes everything from `position` of segment `index` on off the log.
  result<void> cut(size_t index, uint64_t position);
  /// Durable before anything goes, so that a crash right after does not leave
  /// a log that looks whole.
  result<void> mark_cut();
  /// Behind the last sound batch there; nullopt if there is none.
  result<std::optional<offset>> sound_end(
    size_t index, uint64_t position) const;
  result<std::string> keep_aside(size_t index, uint64_t position);
  result<void> refuse(const lost_ranges::hole& h);

  result<void> finish();
  /// Starts a segment at `base`, above the log's end.
  result<void> jump_to(offset base);

  partition_log& log_;
  const opening& what_;
  file_system& files_;
  offset start_; // 0 if unknown
  offset hint_;  // below it, nothing is cut
  std::vector<offset> snapshots_;
  std::vector<offset> indexed_; // segments with a file of aborted transactions
  size_t first_walked_ = 0;
  bool from_index_ = false; // the last segment's tail is all that is walked
  leader_epoch walked_epoch_ = no_leader_epoch; // of the last batch noted
  offset replay_from_{0}; // what the chosen snapshot does not cover
  std::optional<size_t> past_cache_from_; // the segment that is read so
  bool changed_ = false;                  // the disk is not as it was found
};

} // namespace millrace
