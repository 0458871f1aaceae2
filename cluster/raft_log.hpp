#pragma once

// A member's log as the consensus core sees it: the term of every entry, the
// entries that are not written or were used lately, and how far the log is on
// disk, committed and told to the state machine. The bytes of older entries
// are the shell's (storage/consensus_log.hpp).

#include "schema/raft_entry.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace millrace {

/// What the shell must do to its log, in this order: truncate, append, sync.
struct raft_log_write {
  uint64_t number = 0; ///< from 1, without gaps
  std::optional<uint64_t> truncate_from;
  std::vector<raft_entry> entries;

  friend bool operator==(const raft_log_write&, const raft_log_write&)
    = default;
};

/// A run of indexes, both ends included.
struct raft_range {
  uint64_t first = 0;
  uint64_t last = 0;

  friend bool operator==(const raft_range&, const raft_range&) = default;
};

class raft_log {
public:
  /// @param start the last entry that a snapshot replaces; {0, 0}: none
  explicit raft_log(raft_position start);

  /// An entry that is on disk, after a restart. Precondition: the next one.
  void recover(raft_position entry);

  [[nodiscard]] raft_position start() const {
    return start_;
  }
  [[nodiscard]] uint64_t first_index() const {
    return start_.index + 1;
  }
  [[nodiscard]] uint64_t last_index() const {
    return last_index_;
  }
  /// The end of the log, or start() where it is empty.
  [[nodiscard]] raft_position last() const;
  /// The term of an entry, or of start(). None outside.
  [[nodiscard]] std::optional<uint64_t> term_at(uint64_t index) const;
  /// Whether the log holds this entry, or starts behind it.
  [[nodiscard]] bool matches(raft_position p) const {
    return term_at(p.index) == p.term;
  }
  /// The last place at or below p.index whose term is at most p.term: above it
  /// no other log that ends in `p` can agree with this one, as terms never
  /// fall (§5.3, last part). {0, p.index} when that is below start().
  [[nodiscard]] raft_position last_like(raft_position p) const;

  /// Precondition: the next index, a term that does not fall.
  void append(raft_entry entry);
  /// Removes entries `index` and above. Precondition: none is committed.
  void truncate_from(uint64_t index);
  /// A snapshot holds everything up to `last`: the log starts over, empty.
  void restart_at(raft_position last);
  /// Forgets entries up to `index`. Precondition: told and durable.
  void drop_through(uint64_t index);

  /// The entries from `from` on that are in memory, at most up to `last` and
  /// `bytes_max` of payload, but at least one. Precondition: memory_first() <=
  /// from <= last <= last_index().
  [[nodiscard]] std::vector<raft_entry> read(
    uint64_t from, uint64_t last, size_t bytes_max) const;
  /// Entries from here on are in memory.
  [[nodiscard]] uint64_t memory_first() const {
    return last_index_ + 1 - memory_.size();
  }
  /// Lets go of the oldest entries that are durable and told, until the rest
  /// has `bytes_max`.
  void trim(size_t bytes_max);

  /// What has not been given to the shell yet.
  [[nodiscard]] std::optional<raft_log_write> take_write();
  /// Write `number` and all before it are durable. What was truncated since
  /// does not count: another entry stands there. Returns whether more of the
  /// log is durable now.
  bool on_persisted(uint64_t number);
  [[nodiscard]] uint64_t durable() const {
    return durable_;
  }

  [[nodiscard]] uint64_t committed() const {
    return committed_;
  }
  /// Never goes back. Precondition: index <= last_index().
  void commit_to(uint64_t index);
  /// Payload that was appended and neither cut nor told yet.
  [[nodiscard]] size_t pending_bytes() const {
    return pending_bytes_;
  }

  /// The entries that became both committed and durable here (R20); none if
  /// there are no new ones.
  [[nodiscard]] std::optional<raft_range> take_committed();
  /// Entries up to here were told by take_committed().
  [[nodiscard]] uint64_t told() const {
    return told_;
  }
  /// After a restart: the state machine has everything up to `index`.
  void set_told(uint64_t index);

private:
  struct run { // of entries with one term
    uint64_t first_index;
    uint64_t term;
  };
  struct write {
    uint64_t number;
    uint64_t last_index; // of its entries, as far as they still stand
  };

  void add_term(raft_position entry);
  [[nodiscard]] size_t memory_at(uint64_t index) const {
    return static_cast<size_t>(index - memory_first());
  }

  raft_position start_;
  uint64_t last_index_;
  std::vector<run> runs_;
  std::deque<raft_entry> memory_; // ends at last_index_
  size_t memory_bytes_ = 0;
  size_t pending_bytes_ = 0;
  uint64_t given_; // to the shell for writing
  std::optional<uint64_t> truncate_from_;
  std::deque<write> writes_; // not durable yet
  uint64_t write_number_ = 0;
  uint64_t durable_;
  uint64_t committed_;
  uint64_t told_;
};

} // namespace millrace
