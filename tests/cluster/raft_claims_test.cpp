#include "tests/cluster/raft_group.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

// The five claims of the paper's figure 3, each in a small case that is gone
// through as completely as time allows. raft_random_test.cpp checks them all
// after every step of long walks.

namespace millrace {

using test::member_of;
using test::raft_group;

TEST_CASE("election safety: however the votes of two candidates of one term "
          "arrive, get lost or are doubled, the term has one leader at most",
  "[cluster][raft_claims]") {
  int won = 0;
  int split = 0;
  for (uint32_t seed = 0; seed < 3'000; ++seed) {
    raft_group group{3};
    group.start();
    // Both have the pre-votes that they need before they know of each other.
    for (const int i : {1, 2}) {
      group.core(i).campaign();
      group.core(i).step({member_of(3), member_of(i),
        raft_vote_answer{.term = 1, .granted = true, .pre_vote = true}});
      group.collect(i);
      REQUIRE(group.core(i).role() == raft_role::candidate);
    }
    std::mt19937 random{seed};
    for (int step = 0; step < 40 && !group.network.empty(); ++step) {
      const auto at = random() % group.network.size();
      const auto m = group.network[at];
      if (random() % 8 != 0) // else it comes once more
        group.network.erase(group.network.begin() + static_cast<ptrdiff_t>(at));
      if (random() % 8 == 0)
        continue; // lost
      group.step(m);
      REQUIRE(group.leaders(1) <= 1);
    }
    group.leaders(1) == 1 ? ++won : ++split;
  }
  CHECK(won > 1'000);
  CHECK(split > 100);
}

TEST_CASE("leader append-only: nothing that a leader is told changes what it "
          "has written",
  "[cluster][raft_claims]") {
  raft_group group{3};
  for (int i = 1; i <= 3; ++i)
    group.set_term(i, 4);
  group.start();
  group.elect(1);
  group.propose(1, "x");
  const auto before = group.at(1).disk.entries;
  REQUIRE(group.core(1).term() == 5);
  // A deposed leader's late entries, at every place.
  for (uint64_t previous = 0; previous <= 3; ++previous)
    group.step({member_of(2), member_of(1),
      raft_append_request{.term = 4,
        .previous = {previous == 0 ? 0u : 4u, previous},
        .commit = 9,
        .entries = {{4, previous + 1, raft_entry_kind::command, {}}}}});
  group.step({member_of(2), member_of(1),
    raft_snapshot_chunk{.term = 4,
      .last = {4, 9},
      .configuration = group.core(1).configuration(),
      .done = true}});
  CHECK(group.core(1).role() == raft_role::leader);
  CHECK(group.at(1).disk.entries == before);
  group.settle();
  CHECK(
    std::equal(before.begin(), before.end(), group.at(1).disk.entries.begin()));
}

TEST_CASE("log matching: in whatever order a leader's messages arrive, and "
          "however often, a follower's log is as the leader's up to any entry "
          "that both have",
  "[cluster][raft_claims]") {
  // The leader's log by terms; the follower begins with other entries.
  const std::vector<uint64_t> terms{1, 1, 4, 4, 5, 8};
  const auto message = [&](uint64_t previous, uint64_t count) {
    raft_append_request m{.term = 8,
      .previous = {previous == 0 ? 0 : terms[previous - 1], previous}};
    for (auto i = previous + 1; i <= previous + count; ++i)
      m.entries.push_back({terms[i - 1], i, raft_entry_kind::command,
        shared_bytes::copy_of(std::string_view{"new"})});
    return m;
  };
  std::vector<raft_append_request> messages{message(0, 2), message(1, 2),
    message(2, 2), message(3, 3), message(4, 1), message(5, 1)};
  std::vector<size_t> order{0, 1, 2, 3, 4, 5, 2, 4};
  std::sort(order.begin(), order.end());
  int complete = 0;
  do {
    raft_group group{3};
    group.set_log(2, {1, 1, 2, 2, 2, 2, 2, 2});
    group.set_term(2, 8);
    group.start();
    for (const auto at : order) {
      group.step({member_of(1), member_of(2), messages[at]});
      const auto& entries = group.at(2).disk.entries;
      // The last entry that both have, and everything below it.
      bool same = true;
      for (size_t i = 0; i < entries.size(); ++i) {
        const bool is_here = i < terms.size() && entries[i].term == terms[i];
        same = same && is_here;
        REQUIRE(same == is_here);
      }
    }
    complete += group.at(2).disk.last_index() == terms.size();
  } while (
    std::next_permutation(order.begin(), order.end()) && complete < 1'000);
  CHECK(complete > 100);
}

TEST_CASE("leader completeness: whoever of five holds a committed entry, only "
          "one of them can be elected next",
  "[cluster][raft_claims]") {
  int elected = 0;
  // Every majority that may have entry 2 of term 2, with the rest having an
  // older one instead, or nothing; every candidate; every set of voters.
  for (unsigned holders = 0; holders < 32; ++holders) {
    if (__builtin_popcount(holders) < 3)
      continue;
    for (int candidate = 1; candidate <= 5; ++candidate)
      for (unsigned deaf = 0; deaf < 32; ++deaf) {
        if ((deaf >> (candidate - 1) & 1) != 0)
          continue;
        raft_group group{5};
        for (int i = 1; i <= 5; ++i) {
          if ((holders >> (i - 1) & 1) != 0)
            group.set_log(i, {1, 2});
          else if (i % 2 == 0)
            group.set_log(i, {1, 1, 1, 1}); // longer, of an older term
          else
            group.set_log(i, {1});
          group.set_term(i, 2);
        }
        group.start();
        std::set<int> without;
        for (int i = 1; i <= 5; ++i)
          if ((deaf >> (i - 1) & 1) != 0)
            without.insert(i);
        group.elect(candidate, without);
        const bool leads = group.core(candidate).role() == raft_role::leader;
        elected += leads;
        if (leads)
          REQUIRE((holders >> (candidate - 1) & 1) != 0);
      }
  }
  CHECK(elected > 100);
}

TEST_CASE("state machine safety: what a deposed leader had written and nobody "
          "else had is replaced before anybody is told of it",
  "[cluster][raft_claims]") {
  raft_group group{3};
  std::map<uint64_t, std::string> applied;
  for (int i = 1; i <= 3; ++i)
    group.at(i).on_applied = [&](test::raft_shell&, const raft_entry& e) {
      const auto [at, is_new]
        = applied.try_emplace(e.index, std::string{e.payload.text()});
      CHECK(at->second == e.payload.text());
    };
  group.start();
  group.elect(1);
  group.propose(1, "lost 1");
  group.propose(1, "lost 2");
  group.network.clear();
  for (int i = 2; i <= 3; ++i)
    group.tick(i, 600);
  group.network.clear();
  group.elect(2, {1});
  REQUIRE(group.core(2).role() == raft_role::leader);
  group.propose(2, "kept");
  group.settle({1});
  group.tick(2, 50);
  group.settle();
  for (int i = 1; i <= 3; ++i) {
    CHECK(group.at(i).machine.applied == 3);
    CHECK(group.at(i).machine.hash == group.at(1).machine.hash);
  }
  CHECK(applied.at(3) == "kept");
}

} // namespace millrace
