#pragma once

// The configurations that a member's log holds. A member always uses the
// latest one in its log, committed or not (Raft §6), and returns to the one
// before when that entry is truncated.

#include "schema/raft_entry.hpp"

#include <cstdint>
#include <vector>

namespace millrace {

class raft_configurations {
public:
  /// @param index of the entry that brought `first`; 0 at the very beginning
  raft_configurations(uint64_t index, raft_configuration first);

  /// Precondition: index is above current_index().
  void add(uint64_t index, raft_configuration configuration);
  /// The entries `index` and above are gone.
  void truncate_from(uint64_t index);
  /// Nothing below `index` is asked for any more.
  void drop_before(uint64_t index);
  /// A snapshot's configuration replaces everything.
  void restart_at(uint64_t index, raft_configuration configuration);

  [[nodiscard]] const raft_configuration& current() const {
    return all_.back().configuration;
  }
  [[nodiscard]] uint64_t current_index() const {
    return all_.back().index;
  }
  /// The one that was in force after entry `index`: a snapshot's.
  [[nodiscard]] const raft_configuration& at(uint64_t index) const;
  /// Those from at(index) on: whoever is in one of them may still have to
  /// learn how the later ones ended.
  [[nodiscard]] std::vector<const raft_configuration*> since(
    uint64_t index) const;

private:
  struct entry {
    uint64_t index;
    raft_configuration configuration;
  };
  std::vector<entry> all_; // never empty, rising indexes
};

} // namespace millrace
