#include "cluster/raft_log.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

raft_entry entry(uint64_t index, uint64_t term, size_t bytes = 10) {
  return {term, index, raft_entry_kind::command,
    shared_bytes::copy_of(std::string_view{std::string(bytes, 'x')})};
}

raft_log log_of(std::initializer_list<uint64_t> terms) {
  raft_log log{{0, 0}};
  for (const auto term : terms)
    log.append(entry(log.last_index() + 1, term));
  return log;
}

} // namespace

TEST_CASE("a log knows the term of every entry and of the one before the first",
  "[cluster][raft_log]") {
  raft_log log{{3, 10}};
  CHECK(log.last() == raft_position{3, 10});
  for (const auto term : {3, 3, 5, 9, 9})
    log.append(entry(log.last_index() + 1, static_cast<uint64_t>(term)));
  CHECK_FALSE(log.term_at(9));
  CHECK(log.term_at(10) == 3u);
  CHECK(log.term_at(12) == 3u);
  CHECK(log.term_at(13) == 5u);
  CHECK(log.term_at(15) == 9u);
  CHECK_FALSE(log.term_at(16));
  CHECK(log.last() == raft_position{9, 15});
}

TEST_CASE("the last place that may agree skips whole terms (§5.3)",
  "[cluster][raft_log]") {
  // Figure 7, the leader's log against followers (e) and (f).
  const auto leader = log_of({1, 1, 1, 4, 4, 5, 5, 6, 6, 6});
  CHECK(leader.last_like({4, 7}) == raft_position{4, 5});
  CHECK(leader.last_like({3, 10}) == raft_position{1, 3});
  const auto f = log_of({1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3});
  CHECK(f.last_like({6, 10}) == raft_position{3, 10});
  CHECK(f.last_like({1, 10}) == raft_position{1, 3});
  CHECK(f.last_like({0, 10}) == raft_position{0, 0});
  CHECK(f.last_like({9, 99}) == raft_position{3, 11});
}

TEST_CASE(
  "a place below the log's start is told as it is", "[cluster][raft_log]") {
  raft_log log{{3, 10}};
  log.append(entry(11, 4));
  CHECK(log.last_like({4, 7}) == raft_position{0, 7});
  CHECK(log.last_like({1, 11}) == raft_position{3, 10});
}

TEST_CASE("every entry is given for writing once, and again after it was "
          "replaced",
  "[cluster][raft_log]") {
  auto log = log_of({1, 1});
  auto write = log.take_write();
  REQUIRE(write);
  CHECK(write->number == 1);
  CHECK(write->entries.size() == 2);
  CHECK_FALSE(write->truncate_from);
  CHECK_FALSE(log.take_write());
  log.truncate_from(2);
  log.append(entry(2, 3));
  write = log.take_write();
  REQUIRE(write);
  CHECK(write->number == 2);
  CHECK(write->truncate_from == 2u);
  REQUIRE(write->entries.size() == 1);
  CHECK(write->entries[0].term == 3);
}

TEST_CASE("what was never given is cut without a word to the disk",
  "[cluster][raft_log]") {
  auto log = log_of({1, 1, 1});
  log.truncate_from(2);
  const auto write = log.take_write();
  REQUIRE(write);
  CHECK_FALSE(write->truncate_from);
  CHECK(write->entries.size() == 1);
}

TEST_CASE("a sync does not count for entries that were replaced since",
  "[cluster][raft_log]") {
  auto log = log_of({1, 1, 1});
  REQUIRE(log.take_write()->number == 1);
  log.truncate_from(2);
  log.append(entry(2, 2));
  log.append(entry(3, 2));
  REQUIRE(log.take_write()->number == 2);
  CHECK(log.on_persisted(1));
  CHECK(log.durable() == 1); // entries 2 and 3 are others now
  CHECK(log.on_persisted(2));
  CHECK(log.durable() == 3);
  CHECK_FALSE(log.on_persisted(2));
}

TEST_CASE("a sync does not count for the same entry written once more",
  "[cluster][raft_log]") {
  // Entry 2 of term 1 is cut, replaced, and comes back from another leader.
  auto log = log_of({1, 1});
  REQUIRE(log.take_write());
  log.truncate_from(2);
  log.append(entry(2, 2));
  REQUIRE(log.take_write());
  log.truncate_from(2);
  log.append(entry(2, 1));
  REQUIRE(log.take_write());
  CHECK(log.on_persisted(2));
  CHECK(log.durable() == 1);
  CHECK(log.on_persisted(3));
  CHECK(log.durable() == 2);
}

TEST_CASE(
  "only what is committed and on disk is told (R20)", "[cluster][raft_log]") {
  auto log = log_of({1, 1, 1});
  REQUIRE(log.take_write());
  log.commit_to(3);
  CHECK_FALSE(log.take_committed());
  log.on_persisted(1);
  CHECK(log.take_committed() == raft_range{1, 3});
  CHECK_FALSE(log.take_committed());
  log.append(entry(4, 1));
  REQUIRE(log.take_write());
  log.on_persisted(2);
  CHECK_FALSE(log.take_committed());
  log.commit_to(2);
  CHECK(log.committed() == 3); // never goes back
}

TEST_CASE(
  "memory lets go of what is durable and told only", "[cluster][raft_log]") {
  auto log = log_of({1, 1, 1, 1});
  log.trim(0);
  CHECK(log.memory_first() == 1);
  REQUIRE(log.take_write());
  log.on_persisted(1);
  log.commit_to(3);
  REQUIRE(log.take_committed());
  log.trim(20);
  CHECK(log.memory_first() == 3); // two entries of 10 bytes fit
  log.trim(0);
  CHECK(log.memory_first() == 4); // the fourth is not committed
  CHECK(log.term_at(1) == 1u);
}

TEST_CASE("a read has at least one entry and else keeps to its bytes",
  "[cluster][raft_log]") {
  const auto log = log_of({1, 1, 1, 1});
  CHECK(log.read(1, 4, 1'000).size() == 4);
  CHECK(log.read(1, 2, 1'000).size() == 2);
  CHECK(log.read(2, 4, 20).size() == 2);
  CHECK(log.read(2, 4, 0).size() == 1);
}

TEST_CASE("a dropped log begins where it was dropped", "[cluster][raft_log]") {
  auto log = log_of({1, 1, 2, 2, 3});
  REQUIRE(log.take_write());
  log.on_persisted(1);
  log.commit_to(5);
  REQUIRE(log.take_committed());
  log.drop_through(3);
  CHECK(log.start() == raft_position{2, 3});
  CHECK(log.memory_first() == 4);
  CHECK(log.term_at(4) == 2u);
  CHECK(log.term_at(5) == 3u);
  log.drop_through(2); // nothing to do
  CHECK(log.start() == raft_position{2, 3});
  log.drop_through(5);
  CHECK(log.last() == raft_position{3, 5});
  log.append(entry(6, 3));
  CHECK(log.term_at(6) == 3u);
}

TEST_CASE("a snapshot replaces the whole log, and late syncs mean nothing",
  "[cluster][raft_log]") {
  auto log = log_of({1, 1, 1});
  REQUIRE(log.take_write());
  log.restart_at({4, 9});
  CHECK(log.last() == raft_position{4, 9});
  CHECK(log.durable() == 9);
  CHECK(log.committed() == 9);
  CHECK(log.told() == 9);
  CHECK_FALSE(log.on_persisted(1));
  CHECK_FALSE(log.take_write());
  log.append(entry(10, 5));
  CHECK(log.take_write()->number == 2);
}

TEST_CASE("bytes that were not told yet are counted", "[cluster][raft_log]") {
  auto log = log_of({1, 1, 1});
  CHECK(log.pending_bytes() == 30);
  log.commit_to(1);
  CHECK(log.pending_bytes() == 30);
  REQUIRE(log.take_write());
  log.on_persisted(1);
  REQUIRE(log.take_committed());
  CHECK(log.pending_bytes() == 20);
  log.truncate_from(3);
  CHECK(log.pending_bytes() == 10);
  log.restart_at({2, 7});
  CHECK(log.pending_bytes() == 0);
}

} // namespace millrace
