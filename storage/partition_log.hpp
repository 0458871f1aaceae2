#pragma once

// The log of one partition: segments with sparse indexes in one directory,
// byte for byte in Kafka's format, and what is derived from them: leader
// epochs and producers. Knows nothing of replicas or high watermarks; its
// owner passes them in. One thread at a time.
//
// Appending writes to the page cache. What is durable moves by sync jobs,
// which another thread may run: begin_sync(), run(), complete_sync().

#include "storage/append_item.hpp"
#include "storage/compaction_job.hpp"
#include "storage/epoch_cache.hpp"
#include "storage/file_cache.hpp"
#include "storage/log_config.hpp"
#include "storage/lost_ranges.hpp"
#include "storage/open_transactions.hpp"
#include "storage/producer_state.hpp"
#include "storage/segment.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace {

/// Offsets that were in the log once and cannot be read any more.
struct lost_range {
  offset first;
  offset end;
  /// Below the durable hint: acknowledged records are gone. Reads of the
  /// range are refused with errc::corrupt, and no offset is used again.
  /// Otherwise the log was cut at `first`.
  bool acknowledged = false;
  /// The file that keeps the bytes; empty if they stayed where they are.
  std::string kept_as;
};

/// What opening a log found.
struct recovery_report {
  bool created = false;
  /// Bytes behind the last whole batch that no sound batch followed: a write
  /// that the crash interrupted.
  uint64_t torn_bytes = 0;
  std::vector<lost_range> lost;
  /// One sentence for each thing that an operator should know.
  std::vector<std::string> notes;
};

/// A record by time.
struct timestamp_offset {
  int64_t timestamp = -1;
  offset at{-1};
  leader_epoch epoch{-1};
};

class partition_log {
public:
  struct opening {
    file_system* files = nullptr;
    std::string directory;
    topic_partition name;
    log_config config;
    /// Up to where the log was durable for sure when the hint was written
    /// (R10). Whoever truncates a log lowers the hint first.
    std::optional<offset> durable_hint;
    /// Where the log begins; it was durable before anything below it went
    /// (R18). nullopt if that cannot be told any more: then with the first
    /// segment.
    std::optional<offset> log_start{offset{0}};
    /// The node stopped cleanly: nothing is scanned.
    bool clean = false;
    /// Others have it too, and have to hear when it is cut: cut_short().
    bool replicated = false;
    int64_t now_ms = 0;
    /// Shared by the node's logs; null gives the log one of its own.
    std::shared_ptr<file_cache> handles;
  };

  /// Opens a log, or makes it. Afterwards all of it is durable (R5), torn
  /// tails are cut, and recovered() says what was lost (R10, R14). Errors:
  /// those of the file system.
  static result<std::unique_ptr<partition_log>> open(opening what);

  ~partition_log();
  partition_log(const partition_log&) = delete;
  partition_log& operator=(const partition_log&) = delete;

  [[nodiscard]] const recovery_report& recovered() const {
    return report_;
  }

  /// Validates each batch (R15), checks its sequence (R13), gives it offsets
  /// and `epoch`, and writes all that were accepted with one gathered write
  /// (per segment). Each item tells what became of it. A failed write:
  /// KAFKA_STORAGE_ERROR for all of them, and unless it was for lack of space
  /// the log is offline. @param now_ms wall clock
  void append(std::span<append_item> items, leader_epoch epoch, int64_t now_ms);

  /// Appends batches of the leader as they are (R12): checked are checksums,
  /// that offsets go on where the log ends, and that no batch's epoch is
  /// above `current`. Returns the new log end. errc::corrupt: nothing was
  /// appended, ask again.
  result<offset> append_follower(
    const shared_bytes& batches, leader_epoch current, int64_t now_ms);

  struct readable {
    std::vector<file_slice> slices;
    std::vector<offset> begins; ///< of the first batch of each slice
    size_t bytes = 0;
    bool more = false; ///< the next batch did not fit
  };
  /// Whole batches from the one that holds `from` up to the first that
  /// reaches `limit`; at most `bytes_max`, but one batch in any case if
  /// `at_least_one`. errc::out_of_range outside [log start, log end];
  /// errc::corrupt in a lost range, and where the batch should be and is not.
  [[nodiscard]] result<readable> read(
    offset from, offset limit, size_t bytes_max, bool at_least_one) const;
  /// Looks at the checksums of what was read, where nobody has since the log
  /// was opened, and takes off what is not what was written. errc::corrupt: all
  /// of it. Reads the files: they should be in memory.
  result<void> verify(readable& found);
  /// As read(), copied.
  [[nodiscard]] result<shared_bytes> read_bytes(
    offset from, offset limit, size_t bytes_max, bool at_least_one) const;

  [[nodiscard]] offset log_start_offset() const {
    return log_start_;
  }
  [[nodiscard]] offset log_end_offset() const {
    return log_end_;
  }
  [[nodiscard]] offset durable_end_offset() const {
    return durable_end_;
  }
  /// A write or sync failed: nothing more is appended or told durable (R6).
  [[nodiscard]] bool offline() const {
    return offline_;
  }
  [[nodiscard]] uint64_t size_bytes() const;
  [[nodiscard]] size_t segment_count() const {
    return segments_.size();
  }
  [[nodiscard]] const log_config& config() const {
    return config_;
  }

  /// What must be synced so that all below `end` is durable.
  struct sync_job {
    std::vector<std::shared_ptr<file>> files;
    std::vector<std::string> directories;
    /// Where the log is new: the directory whose partition.metadata is synced.
    std::string identity_of;
    /// The leader-epoch-checkpoint to replace, if it is due.
    std::string epochs_path;
    std::string epochs;
    offset end{0};
    uint64_t generation = 0;
    uint64_t number = 0;

    /// Blocks. Touches nothing of the log: run it in any thread.
    result<void> run(file_system& files_of_node);
    /// What is left to do when a volume_sync has covered files and names.
    result<void> run_after_volume(file_system& files_of_node);
  };
  /// Collects what was written since the last call.
  [[nodiscard]] sync_job begin_sync();
  /// Tells the outcome of a job: durable_end_offset() moves, or the log goes
  /// offline for ever (R6). Jobs complete in the order they began.
  void complete_sync(const sync_job& job, const result<void>& outcome);

  /// The first record at or after `timestamp_ms`; nullopt if all are older.
  [[nodiscard]] result<std::optional<timestamp_offset>> find_by_time(
    int64_t timestamp_ms);
  /// The first record with the largest timestamp; nullopt in an empty log.
  [[nodiscard]] result<std::optional<timestamp_offset>> max_timestamp();

  /// Tells that `epoch` begins here and now: its leader has been chosen.
  void begin_epoch(leader_epoch epoch);
  /// The largest known epoch not above `epoch`, and where it ends (KIP-279),
  /// which is not before the log's start.
  [[nodiscard]] epoch_end end_offset_for(leader_epoch epoch) const {
    auto end = epochs_.end_offset_for(epoch, log_end_);
    if (end.end.value >= 0)
      end.end = std::max(end.end, log_start_);
    return end;
  }
  [[nodiscard]] leader_epoch last_epoch() const {
    return epochs_.last_epoch();
  }
  [[nodiscard]] leader_epoch epoch_at(offset at) const {
    return epochs_.epoch_at(at);
  }
  /// The epoch of the last batch; none in an empty log. Other than with
  /// last_epoch(), one that has begun without a batch does not count.
  [[nodiscard]] leader_epoch last_batch_epoch() const {
    return log_end_ > log_start_ ? epoch_at(log_end_ + int64_t{-1})
                                 : no_leader_epoch;
  }
  /// Where the first range begins that was in the log once and cannot be read
  /// any more; nullopt if there is none.
  [[nodiscard]] std::optional<offset> first_lost() const {
    return lost_.first();
  }
  /// Reads what lies from the batch that holds `from` on, with checksums, for
  /// at least `bytes` (or to the log's end). Where a batch is not what was
  /// written, all from there to its segment's end counts as lost from now on
  /// (R10), durably: then, and where that was known, it returns true. Errors:
  /// those of the file system.
  [[nodiscard]] result<bool> look_for_damage(offset from, size_t bytes);
  /// Whether recovery cut what may have been durable once, in this life or an
  /// earlier one, since forget_cut() was last called (R10). Only of a log that
  /// is replicated.
  [[nodiscard]] bool cut_short() const {
    return cut_short_;
  }
  /// The others have heard of it. Not durable: hearing it twice does no harm.
  result<void> forget_cut();
  [[nodiscard]] std::vector<producer_info> producers() const {
    return producers_.list();
  }

  /// Whether a transaction of this producer, in this epoch, is open here.
  [[nodiscard]] bool in_transaction(producer_id id, int16_t epoch) const {
    const auto* known = producers_.find(id);
    return known != nullptr && known->epoch == epoch
           && known->transaction_start.value >= 0;
  }
  /// Whether a later epoch of this producer has written here.
  [[nodiscard]] bool knows_later(producer_id id, int16_t epoch) const {
    const auto* known = producers_.find(id);
    return known != nullptr && known->epoch > epoch;
  }

  /// Up to where read_committed may read (KIP-98): what is below is on every
  /// replica that counts, and its transaction has ended; what retention has
  /// taken of an open one holds nobody back.
  [[nodiscard]] offset last_stable_offset(offset high_watermark) {
    transactions_.advance(high_watermark);
    return std::max(std::min(log_start_, high_watermark),
      transactions_.last_stable(high_watermark));
  }

  /// The aborted transactions of which a read of [from, limit) may meet a
  /// batch (KIP-98), by their markers.
  [[nodiscard]] std::vector<ended_transaction> aborted_in(
    offset from, offset limit) const;

  /// Files to unlink once `file_delete_delay_ms` has passed: a fetch that
  /// was decided before may still send them (R18).
  struct removal {
    std::vector<std::string> paths_to_remove;
  };
  /// Where the log should start by retention.ms and retention.bytes, not
  /// above `limit` (the high watermark); nullopt if nothing is due. The
  /// caller makes it durable (R18), then calls finish_retention().
  [[nodiscard]] std::optional<offset> begin_retention(
    int64_t now_ms, offset limit);
  /// Moves the log start, and renames segments wholly below it (and durable)
  /// to `.deleted`. Precondition: `start` is durable elsewhere.
  result<removal> finish_retention(offset start, int64_t now_ms);
  /// The same for DeleteRecords: checks that `before` is within the log.
  result<removal> delete_records(offset before, int64_t now_ms);

  /// What of a compacted log could be compacted. @param clean_until up to
  /// where it is, as the last job told; @param stable_end the last stable
  /// offset. nullopt if nothing is dirty, or something is lost.
  [[nodiscard]] result<std::optional<compaction_plan>> plan_compaction(
    offset clean_until, offset stable_end, int64_t now_ms);
  /// What a job needs, which may then run in another thread. It is revoked by
  /// the next one, and when the log is cut.
  [[nodiscard]] result<compaction_job::order> begin_compaction(
    const compaction_plan& plan, int64_t now_ms);
  /// Puts a segment that a job has made in the place of others (R18): what was
  /// given out of them stays valid. Nothing happens if they are gone.
  /// @param gate of the job's order
  result<removal> finish_compaction(
    compacted_segment&& done, const std::shared_ptr<compaction_gate>& gate);

  /// Cuts everything from `end` on, whole batches (a batch or a lost range
  /// that holds `end` goes too); durable on return (R11). Precondition: not
  /// below the own high watermark; the durable hint is not above `end`.
  result<void> truncate_to(offset end);
  /// Drops everything and starts again at `start`; durable on return.
  result<void> reset_to(offset start, int64_t now_ms);

  /// Begins a new segment if the active one is older than segment.ms.
  result<void> roll_if_due(int64_t now_ms);
  /// Drops producers that were idle for producer.id.expiration.ms, by a clock
  /// that never jumps (R19).
  void expire_producers(int64_t now_ms);

  void configure(const log_config& config) {
    config_ = config;
  }

  /// Makes all durable and, if `clean`, writes indexes, producers and epochs,
  /// so that the next opening scans nothing. The log is offline afterwards.
  result<void> close(bool clean);

private:
  partition_log(opening what, std::shared_ptr<file_cache> handles);

  /// A batch with its offsets, ready to be written.
  struct planned {
    shared_bytes bytes;
    append_item* item = nullptr;
  };
  class recovery;

  [[nodiscard]] std::string path_of(offset base, std::string_view kind) const {
    return segment_path(directory_, base, kind);
  }
  [[nodiscard]] segment& active() {
    return segments_.back();
  }
  /// The index of the segment that holds `at`: the last whose base is not
  /// above it, or the first.
  [[nodiscard]] size_t segment_of(offset at) const;
  [[nodiscard]] offset end_of(size_t index) const;
  /// Whether a sealed segment holds the offset before the next one's first.
  [[nodiscard]] bool reaches_next(size_t index) const;
  /// Where to look in `s` for `from`, which may lie behind a lost range.
  [[nodiscard]] uint64_t floor_for(offset from, const segment& s) const {
    return lost_.floor_for(from, s.base);
  }

  // partition_log_verify.cpp
  /// The first offset of segment `index` that cannot be read, if there is one
  /// in the batches from the one that holds `from` on; `bytes` becomes less by
  /// what was read.
  [[nodiscard]] result<std::optional<offset>> first_damaged(
    size_t index, offset from, size_t& bytes) const;

  // partition_log_append.cpp
  [[nodiscard]] bool plan_marker(
    append_item& item, const producer_state& newer) const;
  [[nodiscard]] bool plan(append_item& item, producer_state& newer, offset base,
    leader_epoch epoch, int64_t now_ms) const;
  result<void> write(std::span<planned> batches, int64_t now_ms);
  result<void> write_group(std::span<planned> batches);
  void note_written(const planned& batch);
  void refuse_unwritten(std::span<append_item> items, const error& why);

  // partition_log_sync.cpp
  result<std::shared_ptr<file>> active_file();
  void mark_dirty(const std::shared_ptr<file>& handle);
  result<void> sync_everything();

  // partition_log_segments.cpp
  result<void> roll(offset base, int64_t now_ms);
  result<void> start_segment(offset base, int64_t now_ms);
  result<void> write_indexes(segment& s);
  result<void> write_aborted(segment& s);
  result<void> remove_aborted(segment& s);
  result<void> write_snapshot(offset at);
  result<void> drop_snapshots_above(offset end);
  result<void> rebuild_producers();
  [[nodiscard]] bool restore_producers(std::string_view snapshot);
  /// Notes what a batch of the log says of its producer, and its transaction.
  void note_producer(const batch_view& batch, offset base,
    const std::optional<end_transaction_marker>& marker);
  result<void> remove_segment_files(segment& s);
  result<void> remove_if_there(const std::string& path);

  // partition_log_compact.cpp
  /// The sealed segments.
  [[nodiscard]] result<std::vector<compaction_candidate>> candidates();
  result<removal> swap_in(size_t index, compacted_segment&& done);
  /// Nothing of a running job is swapped in any more.
  void revoke_compaction();
  /// Makes what was swapped in durable, and removes what was not; then nothing
  /// of either comes back.
  result<void> remove_swaps();

  // partition_log_truncate.cpp
  /// How much of the segment stays if all from `end` on is cut. Moves `end`
  /// to the begin of a batch that holds it.
  result<uint64_t> sound_size(
    const segment& s, offset& end, bool lost_from_end) const;

  // partition_log_time.cpp
  result<std::optional<timestamp_offset>> record_by_time(
    const segment& s, uint64_t position, int64_t timestamp_ms) const;
  result<int64_t> largest_from(const segment& s, offset from) const;

  std::shared_ptr<file_cache> cache_;
  std::string directory_;
  topic_partition name_;
  log_config config_;
  std::vector<segment> segments_; // never empty; the last one is active
  offset log_start_{0};
  offset log_end_{0};
  offset durable_end_{0};
  epoch_cache epochs_;
  producer_state producers_;
  open_transactions transactions_;
  lost_ranges lost_;
  bool cut_short_ = false;
  recovery_report report_;

  std::shared_ptr<file> writing_; // the active segment's, while dirty
  std::vector<std::shared_ptr<file>> dirty_;
  std::vector<std::shared_ptr<file>> in_flight_; // of unfinished jobs
  uint64_t jobs_begun_ = 0;
  bool directory_dirty_ = false; // a name in it is not durable yet
  bool parent_dirty_ = false;    // its own name, and whose it is, are not
  bool epochs_stale_ = false;    // the checkpoint file lacks an entry
  bool epochs_due_ = false;      // and must be written with the next sync
  uint64_t generation_ = 0;      // of truncations
  std::shared_ptr<compaction_gate> gate_; // of the job that runs
  bool swap_dirty_ = false;               // a swap's names are not durable yet
  offset last_snapshot_{-1};
  bool offline_ = false;
};

} // namespace millrace
