#include "tests/cluster/raft_walk.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

// Under the sanitizers and without optimization fewer, for time's sake.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)              \
  || !defined(__OPTIMIZE__)
constexpr uint64_t seeds = 300;
#else
constexpr uint64_t seeds = 2'500;
#endif

struct totals {
  size_t elections = 0;
  size_t committed = 0;
  size_t reads = 0;
  size_t snapshots = 0;
  size_t joint_changes = 0;
  size_t crashes = 0;
};

} // namespace

TEST_CASE("whatever the network and the disks do, a term has one leader, logs "
          "match, what is committed stays, reads are linearizable, and a "
          "healed group makes progress",
  "[cluster][raft_random]") {
  totals all;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    test::raft_walk walk{seed, test::walk_options_for(seed)};
    INFO("seed " << seed);
    const bool fine = walk.run();
    const auto& seen = walk.invariants;
    INFO(seen.violation);
    REQUIRE(fine);
    all.elections += seen.elections;
    all.committed += seen.committed();
    all.reads += seen.reads_checked;
    all.snapshots += seen.installed;
    all.joint_changes += seen.joint_changes;
    all.crashes += walk.crashes;
  }
  // A group that refuses everything would be safe: this one has worked.
  CHECK(all.elections > seeds * 3 / 2);
  CHECK(all.committed > seeds * 10);
  CHECK(all.reads > seeds * 3);
  CHECK(all.snapshots > seeds / 10);
  CHECK(all.joint_changes > seeds / 20);
  CHECK(all.crashes > seeds * 3);
}

TEST_CASE("the same seed walks the same way", "[cluster][raft_random]") {
  const auto trace_of = [](uint64_t seed) {
    std::string all;
    test::raft_walk walk{seed, test::walk_options_for(seed)};
    walk.set_trace([&](const std::string& line) {
      all += line + "\n";
    });
    walk.run();
    return all;
  };
  const auto once = trace_of(7);
  CHECK(once.size() > 1'000);
  CHECK(trace_of(7) == once);
  CHECK(trace_of(8) != once);
}

} // namespace millrace
