#pragma once

// What the log of a consensus group is made of, and who takes part in the
// group. Section numbers are those of the Raft paper (extended version),
// "thesis" is Ongaro's.

#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

/// A place in a log. Two places compare as §5.4.1 compares the ends of two
/// logs: the later term is more up-to-date, then the greater index.
struct raft_position {
  uint64_t term = 0;
  uint64_t index = 0;

  friend auto operator<=>(const raft_position&, const raft_position&) = default;
};

/// A node and the directory of its log: one that lost its directory is
/// another member, as it may have forgotten a vote (R24, KIP-853).
struct raft_member {
  node_id node{-1};
  uuid directory;

  friend auto operator<=>(const raft_member&, const raft_member&) = default;
};

/// Whom a member voted for in a term (§5.2). Both only go forward.
struct raft_vote {
  uint64_t term = 0;
  std::optional<raft_member> voted_for;

  friend bool operator==(const raft_vote&, const raft_vote&) = default;
};

/// Of each list of a configuration; more is no group.
inline constexpr size_t raft_members_max = 1'000;

/// Who takes part. While `outgoing` is not empty this is C_old,new of §6:
/// `outgoing` are the voters of C_old, `voters` those of C_new, and every
/// decision needs a majority of each.
struct raft_configuration {
  std::vector<raft_member> voters;
  std::vector<raft_member> outgoing;
  std::vector<raft_member> learners; ///< get the log and have no vote

  [[nodiscard]] bool is_joint() const {
    return !outgoing.empty();
  }

  friend bool operator==(const raft_configuration&, const raft_configuration&)
    = default;
};

/// Never renumbered: they are on disk.
enum class raft_entry_kind : uint8_t {
  command,       ///< the state machine's
  configuration, ///< an encoded raft_configuration
  leadership,    ///< the first entry of a leader (§8); empty
};

struct raft_entry {
  uint64_t term = 0;
  uint64_t index = 0;
  raft_entry_kind kind = raft_entry_kind::command;
  shared_bytes payload;

  friend bool operator==(const raft_entry&, const raft_entry&) = default;
};

/// One Cap'n Proto message, the payload of an entry.
[[nodiscard]] shared_bytes encode(const raft_configuration& configuration);

/// Reads what encode() wrote. Nothing of `bytes` is kept.
/// Errors: corrupt, also for a group without voters or with too many members.
[[nodiscard]] result<raft_configuration> decode_raft_configuration(
  const shared_bytes& bytes);

/// As in traces: `{1 2 3}`, `{1 2 4 | 1 2 3}` (new | old), `{1} + {2}` (with
/// a learner). Directories are left out.
[[nodiscard]] std::string to_string(const raft_configuration& configuration);

} // namespace millrace
