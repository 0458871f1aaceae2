#pragma once

// The log of a consensus group: entries with term and index, in append files
// of their own that are filled with zeros ahead and overwritten in place, so
// that a sync waits for no journal of the file system (R23). The bytes, and
// why a recovery can tell a torn tail from corruption, are in
// docs/formats/consensus-log.md.

#include "storage/consensus_log_format.hpp"
#include "storage/file.hpp"

namespace millrace {

struct consensus_log_options {
  uint64_t segment_bytes = 16u << 20; ///< a larger entry gets its own segment
  uint64_t fill_bytes = 1u << 20;     ///< zeros are written ahead in such runs
  uint32_t payload_bytes_max = 64u << 20;
  /// Known to have been durable, from a hint kept elsewhere (R10): if an
  /// entry up to here is missing or broken, that is corruption. 0: unknown.
  uint64_t durable_hint = 0;
};

/// What opening found.
struct consensus_log_recovery {
  uint64_t cut_bytes = 0;     ///< of a torn tail, that nobody was promised
  std::string cut_file;       ///< where, if any
  uint64_t cut_position = 0;  ///< where in it
  uint64_t files_removed = 0; ///< left over from a truncation or a drop
};

/// Used by one thread. Indexes start at 1; an empty log has last_index() ==
/// first_index() - 1. After a failed write or sync the log is offline: every
/// change answers errc::offline until it is opened again (R6).
class consensus_log {
public:
  /// Opens the log in `directory`, or makes it. Syncs what it recovered (R5).
  /// errc::corrupt names file and byte when something is broken that was
  /// durable once; it is never cut silently.
  static result<std::unique_ptr<consensus_log>> open(file_system& files,
    const std::string& directory, consensus_log_options options = {});

  /// Appends to the page cache; durable after sync(). Precondition: indexes
  /// follow on last_index() without a gap, terms do not fall. After an error
  /// a first part of the entries may be in: last_index() tells.
  /// errc::out_of_space leaves the log usable.
  result<void> append(std::span<const consensus_entry> entries);
  /// Makes everything appended durable.
  result<void> sync();
  /// Removes entries `index` and above. Durable when it returns. Nothing to
  /// do above last_index(). Precondition: index >= first_index().
  result<void> truncate_from(uint64_t index);
  /// A snapshot holds everything below `index`, of which the last has `term`.
  /// Drops what it can; the entries from `index` on stay if they follow on
  /// the snapshot, else the log starts over, empty, at `index`. A reopened
  /// log may start earlier than it was told, never later.
  result<void> drop_before(uint64_t index, uint64_t term);

  /// The entries from `from` on, as many as fit in `bytes_max` of payload, but
  /// at least one if there is one; none at the end.
  /// errc::out_of_range outside of [first_index(), last_index() + 1].
  result<std::vector<consensus_entry>> read(
    uint64_t from, uint64_t bytes_max) const;
  /// The term of an entry, or of the one before the first. None outside.
  [[nodiscard]] std::optional<uint64_t> term_at(uint64_t index) const;

  [[nodiscard]] uint64_t first_index() const {
    return first_index_;
  }
  [[nodiscard]] uint64_t last_index() const;
  [[nodiscard]] uint64_t last_term() const;
  /// Everything up to here is on disk.
  [[nodiscard]] uint64_t durable_index() const {
    return durable_index_;
  }
  [[nodiscard]] const consensus_log_recovery& recovery() const {
    return recovery_;
  }

private:
  friend class consensus_log_opening;

  struct place {
    uint64_t term;
    uint64_t position;
    uint32_t payload_bytes;
  };
  struct segment {
    consensus_segment_header header;
    std::string path;
    std::shared_ptr<file> handle;
    std::vector<place> places; // of header.first_index and on
    uint64_t end = consensus_segment_header::bytes;
    uint64_t filled = 0; // bytes written, zeros included

    [[nodiscard]] uint64_t next_index() const {
      return header.first_index + places.size();
    }
  };

  consensus_log(
    file_system& files, std::string directory, consensus_log_options options)
      : files_(files), directory_(std::move(directory)), options_(options) {}

  result<void> start_segment(
    uint64_t first_index, uint64_t previous_term, bool starts_over);
  result<void> append_to_last(std::span<const consensus_entry> entries);
  [[nodiscard]] size_t fitting(std::span<const consensus_entry> entries) const;
  result<void> fill_to(segment& s, uint64_t end);
  result<void> remove_segments(size_t begin, size_t end);
  [[nodiscard]] result<void> usable() const;
  [[nodiscard]] const segment* holder_of(uint64_t index) const;
  result<void> read_run(const segment& s, size_t begin, size_t end,
    std::vector<consensus_entry>& into) const;

  file_system& files_;
  std::string directory_;
  consensus_log_options options_;
  std::vector<segment> segments_; // never empty once open
  uint64_t first_index_ = 1;      // may be above that of the first segment
  uint64_t durable_index_ = 0;
  uint64_t next_sequence_ = 1;
  bool offline_ = false;
  consensus_log_recovery recovery_;
};

} // namespace millrace
