#include "tests/cluster/raft_walk.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>

// This program links its own end of an assertion: that the core sees by
// itself what is wrong counts as found.

namespace millrace {

void assertion_failed(
  const char* /*condition*/, const char* believed, const char*, int) {
  throw std::logic_error(believed);
}

namespace {

constexpr uint64_t seeds_max = 1'000;

/// What is wrong in the walk of `seed`; empty: nothing.
std::string wrong_in(uint64_t seed) {
  try {
    test::raft_walk walk{seed, test::walk_options_for(seed)};
    walk.run();
    return walk.invariants.violation;
  } catch (const std::logic_error& e) {
    return e.what();
  }
}

struct planting {
  bug what;
  const char* name;
};

} // namespace

TEST_CASE(
  "every planted bug is found by the random walk", "[cluster][raft_planted]") {
  const auto p = GENERATE(
    planting{bug::raft_vote_not_awaited, "answers before a vote is durable"},
    planting{bug::raft_votes_twice, "votes twice"},
    planting{bug::raft_vote_ignores_log, "votes for shorter logs"},
    planting{bug::raft_commits_older_term, "commits an older term"},
    planting{bug::raft_truncates_blindly, "truncates without a conflict"},
    planting{bug::raft_skips_previous, "skips the consistency check"},
    planting{bug::raft_one_quorum_in_joint, "one majority in C_old,new"},
    planting{bug::raft_answers_before_durable, "acknowledges unsynced entries"},
    planting{bug::raft_counts_itself_early, "the leader counts itself early"},
    planting{bug::raft_commits_unmatched, "commits unmatched entries"},
    planting{bug::raft_reads_without_round, "reads without a round"},
    planting{bug::raft_reads_before_own_entry, "reads at an old index"},
    planting{bug::raft_changes_without_joint, "no joint configuration"},
    planting{bug::raft_stale_persisted, "counts a sync of replaced entries"});
  planted_bug = p.what;
  uint64_t seed = 1;
  std::string found;
  while (found.empty() && seed <= seeds_max)
    found = wrong_in(seed++);
  planted_bug = bug::none;
  INFO(p.name);
  CHECK_FALSE(found.empty());
  WARN(p.name << ": seed " << seed - 1 << ": " << found);
}

TEST_CASE("without a planted bug nothing is found", "[cluster][raft_planted]") {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    CHECK(wrong_in(seed).empty());
  }
}

} // namespace millrace
