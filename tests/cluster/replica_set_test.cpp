#include "cluster/replica_set.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

partition_registration partition(std::vector<node_id> replicas,
  std::vector<node_id> isr, int32_t epoch = 1, int32_t partition_epoch = 1) {
  partition_registration p;
  p.replicas = std::move(replicas);
  p.isr = std::move(isr);
  p.leader = {1};
  p.epoch = {epoch};
  p.partition_epoch = partition_epoch;
  return p;
}

const node_id one{1};
const node_id two{2};
const node_id three{3};

/// Node 1 leads, its log ends at 100, all of it on disk.
replica_set leader(
  std::vector<node_id> isr, int32_t min_insync = 1, int64_t now_ms = 0) {
  const auto p = partition({one, two, three}, std::move(isr));
  replica_set set{one, p, min_insync, offset{50}};
  set.become_leader(p, offset{100}, offset{100}, now_ms);
  return set;
}

} // namespace

TEST_CASE("alone, the high watermark is what is on disk (R2)",
  "[cluster][replica_set]") {
  const auto p = partition({one}, {one});
  replica_set set{one, p, 1, offset{0}};
  set.become_leader(p, offset{10}, offset{8}, 0);
  CHECK(set.high_watermark() == offset{8});
  CHECK_FALSE(set.on_local(offset{20}, offset{8}, 1));
  CHECK(set.high_watermark() == offset{8});
  CHECK(set.on_local(offset{20}, offset{20}, 2));
  CHECK(set.high_watermark() == offset{20});
}

TEST_CASE("a leader with a damaged log proposes the others, one proposal at a "
          "time (R10)",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  CHECK(set.propose_to_leave() == std::vector{two});
  CHECK_FALSE(set.propose_to_leave());
  set.on_proposal_lost();
  CHECK(set.propose_to_leave() == std::vector{two});
  // Until it is committed, nothing is that its own disk lacks (R2).
  set.on_local(offset{120}, offset{100}, 1);
  set.on_fetch(two, offset{120}, offset{120}, 5, 1);
  CHECK(set.high_watermark() == offset{100});
  CHECK_FALSE(leader({one}).propose_to_leave());
}

TEST_CASE("the high watermark is the least durable end of the ISR (R2)",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  CHECK(set.high_watermark() == offset{50});
  CHECK(set.on_fetch(two, offset{100}, offset{90}, 5, 1));
  CHECK(set.high_watermark() == offset{90});
  // Appended at the follower, not on its disk: does not count.
  CHECK_FALSE(set.on_fetch(two, offset{100}, offset{90}, 5, 2));
  // On the follower's disk, not on the leader's own: does not count either.
  set.on_local(offset{120}, offset{110}, 3);
  CHECK(set.on_fetch(two, offset{120}, offset{120}, 5, 4));
  CHECK(set.high_watermark() == offset{110});
}

TEST_CASE("a replica outside the ISR does not hold the high watermark back",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  set.on_fetch(three, offset{60}, offset{60}, 5, 1);
  set.on_fetch(two, offset{100}, offset{100}, 5, 1);
  CHECK(set.high_watermark() == offset{100});
}

TEST_CASE("the high watermark never falls", "[cluster][replica_set]") {
  auto set = leader({one, two});
  set.on_fetch(two, offset{100}, offset{100}, 5, 1);
  REQUIRE(set.high_watermark() == offset{100});
  CHECK_FALSE(set.on_fetch(two, offset{70}, offset{70}, 6, 2));
  CHECK(set.high_watermark() == offset{100});
}

TEST_CASE("a replica that claims more on disk than it has is not believed",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  CHECK_FALSE(set.on_fetch(two, offset{60}, offset{100}, 5, 1));
  CHECK(set.high_watermark() == offset{50});
}

TEST_CASE("with fewer than min.insync.replicas nothing is acknowledged (R4)",
  "[cluster][replica_set]") {
  auto set = leader({one}, 2);
  CHECK_FALSE(set.has_enough_replicas());
  CHECK_FALSE(set.on_local(offset{200}, offset{200}, 1));
  CHECK(set.high_watermark() == offset{50});
  CHECK(set.acks_all(offset{50}) == acks_state::done);
  CHECK(set.acks_all(offset{51}) == acks_state::too_few_replicas);
  CHECK(set.set_min_insync_replicas(1));
  CHECK(set.high_watermark() == offset{200});
  CHECK(set.acks_all(offset{200}) == acks_state::done);
  CHECK(set.acks_all(offset{201}) == acks_state::waiting);
}

TEST_CASE("an ISR that falls below the minimum after the append is told (R4)",
  "[cluster][replica_set]") {
  auto set = leader({one, two}, 2);
  set.on_local(offset{110}, offset{110}, 1);
  CHECK(set.acks_all(offset{110}) == acks_state::waiting);
  set.on_partition_changed(partition({one, two, three}, {one}, 1, 2));
  CHECK(set.acks_all(offset{110}) == acks_state::too_few_replicas);
}

TEST_CASE("a replica joins with its disk at the high watermark and at the "
          "epoch's start (R3)",
  "[cluster][replica_set]") {
  auto set = leader({one});
  REQUIRE(set.high_watermark() == offset{100});
  // At the high watermark only because it appended: not on disk.
  set.on_fetch(two, offset{100}, offset{99}, 5, 1);
  CHECK_FALSE(set.propose_isr(1, 1000));
  set.on_fetch(two, offset{100}, offset{100}, 5, 2);
  CHECK(set.propose_isr(2, 1000) == std::vector{one, two});
}

TEST_CASE("a replica that stops before this epoch's start does not join (R3)",
  "[cluster][replica_set]") {
  const auto p = partition({one, two}, {one});
  replica_set set{one, p, 2, offset{10}};
  // Too few in sync: the high watermark stays at 10, the epoch starts at 40.
  set.become_leader(p, offset{40}, offset{40}, 0);
  REQUIRE(set.high_watermark() == offset{10});
  set.on_fetch(two, offset{30}, offset{30}, 5, 1);
  CHECK_FALSE(set.propose_isr(1, 1000));
  set.on_fetch(two, offset{40}, offset{40}, 5, 1);
  CHECK(set.propose_isr(1, 1000) == std::vector{one, two});
}

TEST_CASE("a proposed member holds the high watermark back at once (R2)",
  "[cluster][replica_set]") {
  auto set = leader({one});
  set.on_fetch(two, offset{100}, offset{100}, 5, 1);
  REQUIRE(set.propose_isr(1, 1000));
  set.on_local(offset{120}, offset{120}, 2);
  CHECK(set.high_watermark() == offset{100});
  SECTION("until it has it") {
    set.on_fetch(two, offset{120}, offset{120}, 5, 3);
    CHECK(set.high_watermark() == offset{120});
  }
  SECTION("or until it cannot be committed any more") {
    set.on_proposal_refused();
    // A copy of it may be under way: another change rules it out.
    CHECK(set.high_watermark() == offset{100});
    CHECK(set.propose_isr(3, 1000) == std::vector{one});
    CHECK(set.on_partition_changed(partition({one, two, three}, {one}, 1, 2)));
    CHECK(set.high_watermark() == offset{120});
  }
}

TEST_CASE("a shrink counts only when the controller has committed it (R2)",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  set.on_local(offset{120}, offset{120}, 1000);
  CHECK(set.propose_isr(2000, 500) == std::vector{one});
  CHECK(set.high_watermark() == offset{50});
  CHECK(set.on_partition_changed(partition({one, two, three}, {one}, 1, 2)));
  CHECK(set.high_watermark() == offset{120});
}

TEST_CASE("one proposal at a time", "[cluster][replica_set]") {
  auto set = leader({one, two});
  CHECK(set.propose_isr(5000, 500));
  CHECK_FALSE(set.propose_isr(9000, 500));
  set.on_proposal_refused();
  CHECK(set.propose_isr(9000, 500));
}

TEST_CASE("what an older partition epoch says changes nothing",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  set.on_partition_changed(partition({one, two, three}, {one}, 1, 5));
  CHECK_FALSE(
    set.on_partition_changed(partition({one, two, three}, {one, two}, 1, 4)));
  CHECK(set.isr() == std::vector{one});
}

TEST_CASE("a new leadership forgets what followers told in the old one",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  set.on_fetch(two, offset{100}, offset{100}, 5, 1);
  const auto p = partition({one, two, three}, {one, two}, 2, 2);
  set.become_leader(p, offset{130}, offset{130}, 2);
  CHECK(set.high_watermark() == offset{100});
  set.on_fetch(two, offset{130}, offset{130}, 5, 3);
  CHECK(set.high_watermark() == offset{130});
}

TEST_CASE("a stranger's fetch changes nothing", "[cluster][replica_set]") {
  auto set = leader({one});
  CHECK_FALSE(set.on_fetch({9}, offset{999}, offset{999}, 1, 1));
  CHECK(set.replicas().count({9}) == 0);
}

TEST_CASE("a proposal that may be committed yet holds the high watermark back "
          "until another change rules it out (R2)",
  "[cluster][replica_set]") {
  auto set = leader({one});
  set.on_fetch(two, offset{100}, offset{100}, 5, 1);
  REQUIRE(set.propose_isr(1, 1000) == std::vector{one, two});
  set.on_proposal_lost();
  set.on_local(offset{120}, offset{120}, 2);
  CHECK(set.high_watermark() == offset{100});
  CHECK(set.propose_isr(2000, 1000) == std::vector{one, two});
  set.on_proposal_lost();
  CHECK(set.high_watermark() == offset{100});
  SECTION("which is asked for even if it changes nothing") {
    set.on_fetch(two, offset{90}, offset{90}, 6, 2001);
    CHECK(set.propose_isr(2002, 1000) == std::vector{one});
    CHECK(set.on_partition_changed(partition({one, two, three}, {one}, 1, 2)));
    CHECK(set.high_watermark() == offset{120});
    CHECK_FALSE(set.propose_isr(2003, 1000));
  }
  SECTION("or it was committed") {
    CHECK_FALSE(
      set.on_partition_changed(partition({one, two, three}, {one, two}, 1, 2)));
    set.on_fetch(two, offset{120}, offset{120}, 5, 2001);
    CHECK(set.high_watermark() == offset{120});
  }
}

TEST_CASE("an idle partition's members do not lag when it is written again",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  set.on_fetch(two, offset{100}, offset{100}, 5, 1);
  set.on_local(offset{110}, offset{110}, 3'600'000);
  CHECK(set.is_behind(two));
  CHECK_FALSE(set.propose_isr(3'601'000, 1000));
  CHECK(set.propose_isr(3'601'001, 1000) == std::vector{one});
}

TEST_CASE("a follower that is always a little behind keeps up, one that falls "
          "back does not",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  set.on_fetch(two, offset{100}, offset{100}, 5, 0);
  // Each report has what there was at the one before.
  for (int64_t t = 1; t <= 50; ++t) {
    set.on_local(offset{100 + 10 * t}, offset{100 + 10 * t}, 100 * t);
    set.on_fetch(two, offset{90 + 10 * t}, offset{90 + 10 * t}, 5, 100 * t);
    REQUIRE_FALSE(set.propose_isr(100 * t, 500));
  }
  // Now it gains less than is appended.
  std::optional<std::vector<node_id>> shrunk;
  for (int64_t t = 51; t <= 70 && !shrunk; ++t) {
    set.on_local(offset{100 + 10 * t}, offset{100 + 10 * t}, 100 * t);
    set.on_fetch(two, offset{590 + t}, offset{590 + t}, 5, 100 * t);
    shrunk = set.propose_isr(100 * t, 500);
  }
  CHECK(shrunk == std::vector{one});
}

TEST_CASE("a member whose log was cut is out until it has this epoch's "
          "beginning (R10)",
  "[cluster][replica_set]") {
  auto p = partition({one, two, three}, {one, two});
  p.cut_short = {{two, {0}, offset{80}}};
  replica_set set{one, p, 1, offset{50}};
  set.become_leader(p, offset{100}, offset{100}, 0);
  set.on_fetch(two, offset{80}, offset{80}, 6, 2);
  CHECK(set.propose_isr(2, 1000) == std::vector{one});
  // The controller may compare it as it was: nothing is added meanwhile.
  set.on_fetch(two, offset{100}, offset{100}, 6, 3);
  CHECK(set.high_watermark() == offset{50});
}

TEST_CASE("a member that lost what was committed is out at once (R10)",
  "[cluster][replica_set]") {
  auto set = leader({one, two});
  set.on_fetch(two, offset{100}, offset{100}, 5, 1);
  REQUIRE(set.high_watermark() == offset{100});
  set.on_fetch(two, offset{80}, offset{80}, 6, 2);
  CHECK(set.propose_isr(2, 1000) == std::vector{one});
}
