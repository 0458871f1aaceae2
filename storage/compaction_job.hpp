#pragma once

// One pass of compaction over one log, in steps, off the log's own thread: it
// reads sealed segments, which nobody changes, and writes new ones beside
// them. The log swaps them in (partition_log::finish_compaction()).
//
//   mapping    reads the dirty part and notes the newest offset of each key,
//              as far as the memory goes
//   filtering  reads the log from its start up to there, group by group, and
//              writes what stays
//
// What the memory does not hold is left to the next pass.

#include "storage/batch_filter.hpp"
#include "storage/compaction_plan.hpp"
#include "storage/compaction_writer.hpp"
#include "storage/live_offsets.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

/// Between a log and the job that works on its files: whoever truncates the
/// log revokes the job first, and then nothing of it is ever swapped in.
class compaction_gate {
public:
  void revoke() {
    const std::lock_guard hold{mutex_};
    revoked_ = true;
  }
  [[nodiscard]] bool revoked() const {
    const std::lock_guard hold{mutex_};
    return revoked_;
  }
  /// Runs `commit` unless revoked; false if it was.
  template <class Commit>
  result<bool> unless_revoked(Commit commit) {
    const std::lock_guard hold{mutex_};
    if (revoked_)
      return false;
    if (auto done = commit(); !done)
      return done.error();
    return true;
  }

private:
  mutable std::mutex mutex_;
  bool revoked_ = false;
};

/// A segment that stands for others. Its files bear names in `.swap`, durably.
struct compacted_segment {
  segment made;
  /// What it stands for: segments from `made.base` up to `end`.
  std::vector<offset> replaced;
  offset end;
  uint64_t bytes_before = 0;
};

class compaction_job {
public:
  struct input {
    offset base;
    offset end;
    uint64_t size = 0;
    std::shared_ptr<file> source;
    /// The aborted transactions whose markers are in it.
    std::vector<ended_transaction> aborted;
  };
  /// What a log gives away to be compacted.
  struct order {
    std::shared_ptr<file_cache> cache;
    std::string directory;
    std::vector<input> inputs;
    std::vector<segment_group> groups;
    offset first_dirty{0};
    offset end{0};
    filter_rules rules;
    int64_t index_interval_bytes = 4096;
    std::shared_ptr<compaction_gate> gate;
  };
  struct limits {
    /// Of the map of keys.
    size_t map_bytes_max = size_t{128} << 20;
    /// Read at once, and held.
    size_t chunk_bytes = size_t{1} << 20;
  };
  struct progress {
    uint64_t bytes_read = 0;
    uint64_t bytes_written = 0;
    /// To be swapped in before the next step.
    std::unique_ptr<compacted_segment> ready;
    bool done = false;
  };

  /// @param map used again from one job to the next, for its memory
  compaction_job(order what, limits within, offset_map& map);
  ~compaction_job();
  compaction_job(const compaction_job&) = delete;
  compaction_job& operator=(const compaction_job&) = delete;

  /// Reads one chunk, and does what is to be done with it. Blocks. Errors:
  /// corrupt where a batch is not what was written; offline if the log has
  /// revoked the job; those of the file system. After an error the job is over.
  result<progress> step();

  /// Where the dirty part begins once the job is done.
  [[nodiscard]] offset clean_until() const {
    return order_.rules.end;
  }
  [[nodiscard]] uint64_t keys() const {
    return map_.size();
  }

private:
  enum class phase : uint8_t { mapping, filtering, done };

  /// Batches of input_ from position_ on, in chunk_.
  result<std::span<const std::byte>> read_chunk();
  result<void> map_step(progress& p);
  result<bool> map_batch(const batch_view& batch);
  void begin_filtering();
  result<void> filter_step(progress& p);
  result<void> filter_chunk(progress& p);
  /// Whether no record of the batch stays, as the header alone tells.
  [[nodiscard]] bool goes_whole(const batch_view& header) const;
  /// Drops large batches that go as a whole, without reading them again.
  result<void> pass_over(progress& p);
  result<void> begin_group();
  result<void> end_group(progress& p);
  result<bool> commit(const compacted_segment& group);
  [[nodiscard]] error cut() const;
  [[nodiscard]] error damaged(const char* why) const;

  order order_;
  limits limits_;
  offset_map& map_;
  record_spans spans_;
  batch_filter filter_;
  phase phase_ = phase::mapping;
  size_t group_ = 0;
  size_t input_ = 0;
  uint64_t position_ = 0;
  offset expected_{-1};
  live_offsets live_; ///< of the dirty part, once it is mapped
  std::optional<compaction_writer> writer_;
  std::vector<std::byte> chunk_;
  std::vector<key_hash> hashes_;
};

} // namespace millrace
