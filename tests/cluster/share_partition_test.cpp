#include "tests/cluster/share_host.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr auto release_type = share_acknowledge_type::release;

using ranges = std::vector<share_acquired>;

} // namespace

TEST_CASE("each record is given to one member", "[cluster][share_partition]") {
  share_host host;
  host.append(10, 3);
  CHECK(host.fetch("a", {.records_max = 15}) == ranges{given(0, 19)});
  CHECK(host.fetch("b", {.records_max = 15}) == ranges{given(20, 29)});
  CHECK(host.fetch("c").empty());
  CHECK(host.partition.end() == offset{30});
}

TEST_CASE("whole batches are given unless the limit is strict",
  "[cluster][share_partition]") {
  share_host host;
  host.append(10, 2);
  CHECK(
    host.fetch("a", {.records_max = 4, .strict = true}) == ranges{given(0, 3)});
  CHECK(host.fetch("a", {.records_max = 1}) == ranges{given(4, 9)});
  // The rest of a batch, and the begin of the next one.
  CHECK(host.say("a", 4, 9, release_type) == kafka_error::none);
  host.write();
  CHECK(host.fetch("b", {.records_max = 8, .strict = true})
        == ranges{given(4, 9, 2), given(10, 11)});
}

TEST_CASE("ranges have about the size that was asked for",
  "[cluster][share_partition]") {
  share_host host;
  host.append(10, 5);
  CHECK(host.fetch("a", {.records_max = 500, .batch_size = 20})
        == ranges{given(0, 19), given(20, 39), given(40, 49)});
}

TEST_CASE("a lock that is over frees the record, and counts as a delivery",
  "[cluster][share_partition]") {
  share_host host{share_host::fresh(), {.lock_duration_ms = 100}};
  host.append(2);
  for (int16_t count = 1; count <= 5; ++count) {
    CHECK(host.fetch("a") == ranges{given(0, 1, count)});
    CHECK(host.partition.next_deadline() == host.now_ms + 100);
    host.partition.expire(host.now_ms + 99);
    CHECK(host.fetch("b").empty());
    host.now_ms += 100;
    host.partition.expire(host.now_ms);
    CHECK_FALSE(host.partition.next_deadline());
  }
  // Five are enough (share.delivery.count.limit): nobody gets it any more.
  CHECK(host.fetch("a").empty());
  CHECK(host.partition.start() == offset{2});
}

TEST_CASE(
  "what a member held is free when it is gone", "[cluster][share_partition]") {
  share_host host;
  host.append(4);
  host.append(4);
  CHECK(host.fetch("a", {.records_max = 1}) == ranges{given(0, 3)});
  CHECK(host.fetch("b", {.records_max = 1}) == ranges{given(4, 7)});
  host.partition.release("a");
  CHECK(host.fetch("b") == ranges{given(0, 3, 2)});
  CHECK(host.accept("a", 0, 3) == kafka_error::invalid_record_state);
}

TEST_CASE("no more records are in flight than there may be locks",
  "[cluster][share_partition]") {
  share_host host{share_host::fresh(), {.record_locks_max = 25}};
  host.append(10, 4);
  CHECK(host.fetch("a") == ranges{given(0, 24)});
  CHECK_FALSE(host.partition.next_fetch_offset());
  // What is done behind one that is not takes room all the same.
  CHECK(host.accept("a", 1, 24) == kafka_error::none);
  host.write();
  CHECK_FALSE(host.partition.next_fetch_offset());
  CHECK(host.accept("a", 0, 0) == kafka_error::none);
  host.write();
  CHECK(host.partition.start() == offset{25});
  CHECK(host.fetch("a") == ranges{given(25, 39)});
}

TEST_CASE("what is for nobody is passed over", "[cluster][share_partition]") {
  share_host host;
  host.append(3, 1, true);
  host.append(2);
  host.append(1, 1, true);
  host.append(2);
  CHECK(host.fetch("a") == ranges{given(3, 4), given(6, 7)});
  CHECK(host.partition.start() == offset{3});
  CHECK(host.accept("a", 3, 7) == kafka_error::none);
  host.write();
  CHECK(host.partition.start() == offset{8});
}

TEST_CASE(
  "offsets between two batches are for nobody", "[cluster][share_partition]") {
  share_host host;
  host.append(2);
  host.log_end += 5; // compaction has taken them
  host.append(2);
  CHECK(host.fetch("a") == ranges{given(0, 1), given(7, 8)});
  CHECK(host.accept("a", 0, 1) == kafka_error::none);
  host.write();
  CHECK(host.partition.start() == offset{7});
}

TEST_CASE(
  "a start that has moved by itself is written", "[cluster][share_partition]") {
  share_host host;
  CHECK_FALSE(host.partition.take_write());
  host.append(3, 1, true);
  CHECK(host.fetch("a").empty());
  CHECK(host.write().start == offset{3});
}

TEST_CASE("records below the log's start are given to nobody",
  "[cluster][share_partition]") {
  share_host host;
  host.append(5, 4);
  CHECK(host.fetch("a", {.records_max = 10}) == ranges{given(0, 9)});
  host.partition.release("a");
  CHECK(host.fetch("b", {.records_max = 5}) == ranges{given(0, 4, 2)});
  host.partition.move_log_start({3});
  CHECK(host.partition.start() == offset{3});
  host.partition.move_log_start({12});
  CHECK(host.partition.start() == offset{12});
  CHECK(host.partition.end() == offset{12});
  CHECK(host.fetch("c") == ranges{given(12, 19)});
  // Who holds some may be done with them still (as in Kafka), once.
  CHECK(host.accept("b", 0, 4) == kafka_error::none);
  CHECK(host.write().batches.empty());
  CHECK(host.accept("b", 0, 4) == kafka_error::invalid_record_state);
  host.partition.move_log_start({2}); // never back
  CHECK(host.partition.start() == offset{12});
}

TEST_CASE("what nobody is done with below the log's start goes with its lock",
  "[cluster][share_partition]") {
  share_host host;
  host.append(5, 2);
  CHECK(host.fetch("a") == ranges{given(0, 9)});
  host.partition.move_log_start({7});
  host.now_ms += 30'000;
  host.partition.expire(host.now_ms);
  CHECK(host.partition.window().all().begin()->first == 7);
  CHECK(host.fetch("b") == ranges{given(7, 9, 2)});
}

TEST_CASE("a share partition goes on from what is durable",
  "[cluster][share_partition]") {
  share_host host{{.state_epoch = 1,
    .start = {10},
    .batches = {{{5}, {10}, 2, 1}, {{12}, {13}, 0, 2}, {{14}, {14}, 2, 1},
      {{16}, {16}, 0, 5}}}};
  host.log_end = 10;
  host.append(10);
  CHECK(host.partition.start() == offset{11});
  CHECK(host.partition.end() == offset{17});
  // 16 has been delivered as often as it may be.
  CHECK(
    host.fetch("a")
    == ranges{given(11, 11), given(12, 13, 3), given(15, 15), given(17, 19)});
}

TEST_CASE("where a new share partition begins is written at once",
  "[cluster][share_partition]") {
  share_partition fresh{{.state_epoch = 2, .start = {-1}}, {40}, {9}, {}};
  CHECK(fresh.start() == offset{40});
  const auto write = fresh.take_write();
  REQUIRE(write);
  CHECK(*write
        == share_partition_snapshot{.state_epoch = 2,
          .leader_epoch = 9,
          .start = {40},
          .delivery_complete_count = 0});
}
