#pragma once

// What a member finds on its disk when it starts: the vote, the snapshot and
// the log. The shell reads the log through once and adds entry by entry.

#include "cluster/raft_actions.hpp"
#include "schema/raft_entry.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace millrace {

struct raft_restart {
  raft_vote vote;
  /// The latest snapshot, or the image, that the state machine was built from.
  /// At the very first start: {0, 0} and the group's first members, the same
  /// on each of them; or no members at all for one that is to be added.
  raft_snapshot_head snapshot;
  /// The state machine has everything up to here: at least snapshot.last.
  uint64_t applied = 0;
  /// The entry before the log's first one. Precondition: not behind
  /// snapshot.last (R21: an image older than its log is no start).
  raft_position log_start;
  std::vector<raft_position> entries;
  std::vector<std::pair<uint64_t, raft_configuration>> configurations;

  /// Adds the log's next entry. Errors: corrupt for a configuration that
  /// cannot be read.
  result<void> add(const raft_entry& entry) {
    entries.push_back({entry.term, entry.index});
    if (entry.kind != raft_entry_kind::configuration)
      return {};
    auto configuration = decode_raft_configuration(entry.payload);
    MILLRACE_TRY(configuration);
    configurations.emplace_back(entry.index, std::move(*configuration));
    return {};
  }
};

/// What a group begins with, in term 1: a member alone that takes others in.
/// Everybody else gets this entry from it.
[[nodiscard]] inline raft_entry first_entry_of_group(const raft_member& self) {
  return {1, 1, raft_entry_kind::configuration,
    encode(raft_configuration{{self}, {}, {}})};
}

} // namespace millrace
