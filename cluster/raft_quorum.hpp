#pragma once

// What a majority is: of the voters, and while the configuration is joint of
// the old and of the new ones separately (Raft §6).

#include "schema/planted_bug.hpp"
#include "schema/raft_entry.hpp"

#include <algorithm>
#include <set>

namespace millrace {

enum class raft_tally : uint8_t { open, won, lost };

/// Whether `member` has a vote, in either half of a joint configuration.
[[nodiscard]] bool is_voter(
  const raft_configuration& configuration, const raft_member& member);

/// Everybody who gets the log.
[[nodiscard]] std::set<raft_member> members_of(
  const raft_configuration& configuration);

/// The configuration's lists are sets: compares them as such.
[[nodiscard]] bool same_members(
  const std::vector<raft_member>& a, const std::vector<raft_member>& b);

/// The greatest value that a majority of each half has or exceeds, where
/// value_of(member) gives each voter's. Value{} if there are no voters.
template <class Value, class ValueOf>
[[nodiscard]] Value majority_value(
  const raft_configuration& configuration, ValueOf&& value_of) {
  const auto of_half = [&](const std::vector<raft_member>& voters) {
    if (voters.empty())
      return Value{};
    std::vector<Value> values;
    values.reserve(voters.size());
    for (const auto& voter : voters)
      values.push_back(value_of(voter));
    // Of n values in falling order, n / 2 + 1 reach the one at n / 2.
    std::sort(values.begin(), values.end(), std::greater<>{});
    return values[values.size() / 2];
  };
  const auto value = of_half(configuration.voters);
  if (!configuration.is_joint() || planted(bug::raft_one_quorum_in_joint))
    return value;
  return std::min(value, of_half(configuration.outgoing));
}

/// How an election stands. `vote_of(member)` is 1 for yes, -1 for no, 0 for
/// no answer yet. Without voters it is lost.
template <class VoteOf>
[[nodiscard]] raft_tally tally(
  const raft_configuration& configuration, VoteOf&& vote_of) {
  if (configuration.voters.empty())
    return raft_tally::lost;
  // With a majority of yes its value is 1; while yes and open votes together
  // are a majority it is 0 or more.
  const auto value = majority_value<int>(configuration, vote_of);
  if (value > 0)
    return raft_tally::won;
  return value < 0 ? raft_tally::lost : raft_tally::open;
}

} // namespace millrace
