// The power goes at every operation of a consensus log, with any subset of
// the unsynced blocks and names kept.

#include "simulation/sim_file_system.hpp"
#include "storage/consensus_log.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace millrace;

namespace {

constexpr consensus_log_options small{
  .segment_bytes = 3000, .fill_bytes = 1024, .payload_bytes_max = 10000};

// What a log must and may hold after a crash.
struct expectation {
  std::map<uint64_t, consensus_entry> entries; // appended, not yet truncated
  uint64_t first = 1;
  uint64_t durable = 0; // the last that must be there
  // A log that starts over here (with this previous term) will do as well.
  uint64_t over_first = 0;
  uint64_t over_term = 0;
};

class workload {
public:
  workload(sim_file_system& files, uint64_t seed) : files_(files), rng_(seed) {}

  /// Goes on until the power does, or `steps` are done.
  void run(int steps) {
    auto opened = consensus_log::open(files_, "/log", small);
    if (!opened)
      return;
    auto& log = **opened;
    for (int i = 0; i < steps; ++i)
      if (!step(log))
        return;
  }
  expectation expected;
  uint64_t acknowledged = 0; // entries that were synced

private:
  bool step(consensus_log& log) {
    switch (rng_() % 8) {
    case 0:
      return truncate(log);
    case 1:
      return drop(log);
    case 2:
    case 3:
      return sync(log);
    default:
      return append(log);
    }
  }

  bool append(consensus_log& log) {
    term_ += rng_() % 4 == 0;
    std::vector<consensus_entry> entries;
    const auto count = 1 + rng_() % 5;
    for (uint64_t i = 0; i < count; ++i) {
      const auto index = log.last_index() + 1 + i;
      const auto letter = static_cast<char>('a' + rng_() % 26);
      entries.push_back({term_, index, static_cast<uint8_t>(rng_()),
        shared_bytes::copy_of(std::string(rng_() % 900, letter))});
      expected.entries[index] = entries.back();
    }
    const bool done = log.append(entries).ok();
    // Going to another segment syncs the one before.
    expected.durable = std::max(expected.durable, log.durable_index());
    return done;
  }
  bool sync(consensus_log& log) {
    if (!log.sync())
      return false;
    acknowledged += log.last_index() - expected.durable;
    expected.durable = log.last_index();
    return true;
  }
  bool truncate(consensus_log& log) {
    if (log.last_index() < log.first_index())
      return true;
    const auto from
      = log.first_index() + rng_() % (log.last_index() - log.first_index() + 1);
    ++term_;
    // While it is under way both states will do.
    expected.durable = std::min(expected.durable, from - 1);
    if (!log.truncate_from(from))
      return false;
    auto& entries = expected.entries;
    entries.erase(entries.lower_bound(from), entries.end());
    expected.durable = from - 1;
    return true;
  }
  bool drop(consensus_log& log) {
    const auto index
      = log.first_index() + rng_() % (log.last_index() - log.first_index() + 9);
    const auto term = log.term_at(index - 1).value_or(term_);
    const bool over = index > log.last_index() + 1;
    if (over) {
      expected.over_first = index;
      expected.over_term = term;
    } else {
      expected.first = std::max(expected.first, index);
    }
    if (!log.drop_before(index, term))
      return false;
    expected.over_first = 0;
    if (over) {
      expected.entries.clear();
      expected.durable = index - 1;
      expected.first = index;
    }
    return true;
  }

  sim_file_system& files_;
  std::mt19937_64 rng_;
  uint64_t term_ = 1;
};

void check(consensus_log& log, const expectation& expected) {
  if (expected.over_first != 0 && log.first_index() == expected.over_first
      && log.last_index() + 1 == log.first_index()
      && log.last_term() == expected.over_term)
    return;
  CHECK(log.first_index() <= expected.first);
  CHECK(log.last_index() >= expected.durable);
  auto entries = log.read(log.first_index(), UINT64_MAX);
  REQUIRE(entries);
  for (const auto& e : *entries) {
    // Dropped entries may still be there, and the model has them too.
    const auto found = expected.entries.find(e.index);
    REQUIRE(found != expected.entries.end());
    REQUIRE(found->second == e);
  }
}

} // namespace

TEST_CASE("a consensus log survives a stop at every operation (R5, R10, R23)",
  "[storage][consensus_log]") {
  uint64_t stops = 0;
  uint64_t acknowledged = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    for (uint64_t n = 1;; ++n) {
      sim_file_system files{std::mt19937_64{seed}};
      files.stop_at(n);
      workload work{files, seed};
      work.run(40);
      if (!files.stopped())
        break;
      ++stops;
      acknowledged += work.acknowledged;
      for (uint64_t way = 0; way < 12; ++way) {
        auto one = files.clone();
        one->reseed(std::mt19937_64{n * 100 + way});
        if (way == 11)
          one->kill(); // the page cache outlives the process
        else
          one->crash(way == 0   ? crash_policy::lose_unsynced
                     : way == 1 ? crash_policy::keep_unsynced
                                : crash_policy::random_subset);
        INFO("seed " << seed << ", operation " << n << ", way " << way);
        auto log = consensus_log::open(*one, "/log", small);
        if (!log)
          FAIL(to_string(log.error()));
        check(**log, work.expected);
        const auto first = (*log)->first_index();
        const auto last = (*log)->last_index();

        // Recovery twice is recovery once, a crash between or not (R5).
        if (way % 2 == 0 || way == 11)
          one->crash(crash_policy::lose_unsynced);
        auto again = consensus_log::open(*one, "/log", small);
        if (!again)
          FAIL(to_string(again.error()));
        CHECK((*again)->first_index() == first);
        CHECK((*again)->last_index() == last);
        CHECK((*again)->recovery().cut_bytes == 0);
        check(**again, work.expected);
        const std::vector<consensus_entry> more{
          {1000, last + 1, 0, shared_bytes::copy_of("after")}};
        CHECK((*again)->append(more));
        CHECK((*again)->sync());
      }
    }
  }
  CHECK(stops > 200);
  CHECK(acknowledged > 1000);
}

TEST_CASE("recovery survives a stop at each of its own operations",
  "[storage][consensus_log]") {
  sim_file_system files{std::mt19937_64{7}};
  files.stop_at(60);
  workload work{files, 5};
  work.run(100);
  REQUIRE(files.stopped());
  uint64_t stops = 0;
  for (uint64_t way = 0; way < 20; ++way) {
    auto crashed = files.clone();
    crashed->reseed(std::mt19937_64{way});
    crashed->crash(crash_policy::random_subset);
    for (uint64_t n = 1;; ++n) {
      auto one = crashed->clone();
      one->stop_at(one->operation_count() + n);
      if (consensus_log::open(*one, "/log", small))
        break;
      ++stops;
      one->crash(crash_policy::random_subset);
      auto log = consensus_log::open(*one, "/log", small);
      if (!log)
        FAIL(to_string(log.error()));
      check(**log, work.expected);
    }
  }
  CHECK(stops > 40);
}
