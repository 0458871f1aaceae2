#include "tests/cluster/share_host.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

using ranges = std::vector<share_acquired>;
using tickets = std::vector<uint64_t>;

constexpr auto accept_type = share_acknowledge_type::accept;

} // namespace

TEST_CASE("what is acknowledged during a write goes into the next one",
  "[cluster][share_write]") {
  share_host host;
  host.append(3, 3);
  CHECK(host.fetch("a") == ranges{given(0, 8)});
  CHECK(host.say("a", 0, 2, accept_type, 1) == kafka_error::none);
  const auto first = host.partition.take_write();
  REQUIRE(first);
  CHECK(first->start == offset{3});
  CHECK(host.say("a", 6, 8, accept_type, 2) == kafka_error::none);
  CHECK(host.say("a", 3, 4, accept_type, 3) == kafka_error::none);
  CHECK_FALSE(host.partition.take_write());
  CHECK(host.partition.write_done() == tickets{1});
  CHECK(host.partition.start() == offset{3});
  const auto second = host.partition.take_write();
  REQUIRE(second);
  CHECK(second->start == offset{5});
  CHECK(second->delivery_complete_count == 3);
  CHECK(second->batches == std::vector<share_state_batch>{{{6}, {8}, 2, 1}});
  CHECK(host.partition.write_done() == tickets{2, 3});
  CHECK(host.partition.start() == offset{5});
  CHECK_FALSE(host.partition.take_write());
}

TEST_CASE("a write that fails leaves the records with who holds them",
  "[cluster][share_write]") {
  share_host host;
  host.append(3, 2);
  CHECK(host.fetch("a") == ranges{given(0, 5)});
  CHECK(host.say("a", 0, 2, accept_type, 1) == kafka_error::none);
  REQUIRE(host.partition.take_write());
  CHECK(host.say("a", 3, 3, accept_type, 2) == kafka_error::none);
  // A lock does not end below an acknowledgement.
  host.now_ms += 30'000;
  host.partition.expire(host.now_ms);
  CHECK(host.partition.write_failed() == tickets{1});
  CHECK(host.partition.start() == offset{0});
  CHECK(host.accept("a", 0, 0) == kafka_error::none);
  host.partition.expire(host.now_ms);
  CHECK(host.fetch("b") == ranges{given(1, 2, 2), given(4, 5, 2)});
  const auto next = host.partition.take_write();
  REQUIRE(next);
  CHECK(next->start == offset{1});
  CHECK(next->batches
        == std::vector<share_state_batch>{
          {{1}, {2}, 0, 1}, {{3}, {3}, 2, 1}, {{4}, {5}, 0, 1}});
}

TEST_CASE("after a write that may have been done the next one says all",
  "[cluster][share_write]") {
  share_host host;
  host.append(4);
  CHECK(host.fetch("a") == ranges{given(0, 3)});
  CHECK(host.accept("a", 1, 1) == kafka_error::none);
  host.write();
  // If this is durable, 1 has been forgotten with all below 3.
  CHECK(
    host.say("a", 0, 2, accept_type, 1) == kafka_error::invalid_record_state);
  CHECK(host.say("a", 0, 0, accept_type, 2) == kafka_error::none);
  CHECK(host.say("a", 2, 2, accept_type, 3) == kafka_error::none);
  const auto lost = host.partition.take_write();
  REQUIRE(lost);
  CHECK(lost->start == offset{3});
  CHECK(host.partition.write_failed() == tickets{2, 3});
  const auto next = host.partition.take_write();
  REQUIRE(next);
  CHECK(next->start == offset{0});
  CHECK(next->batches
        == std::vector<share_state_batch>{
          {{0}, {0}, 0, 0}, {{1}, {1}, 2, 1}, {{2}, {3}, 0, 0}});
}

TEST_CASE("what was freed is written again when its write fails",
  "[cluster][share_write]") {
  share_host host;
  host.append(3);
  CHECK(host.fetch("a") == ranges{given(0, 2)});
  host.partition.release("a");
  const auto first = host.partition.take_write();
  REQUIRE(first);
  CHECK(first->batches == std::vector<share_state_batch>{{{0}, {2}, 0, 1}});
  CHECK(host.fetch("b", {.records_max = 1, .strict = true})
        == ranges{given(0, 0, 2)});
  CHECK(host.partition.write_failed().empty());
  const auto second = host.partition.take_write();
  REQUIRE(second);
  // Being held is not durable: after a restart 0 has had one delivery.
  CHECK(second->batches == first->batches);
  CHECK(host.partition.write_done().empty());
  CHECK_FALSE(host.partition.take_write());
}

TEST_CASE("what is archived with its last lock is written as that",
  "[cluster][share_write]") {
  share_host host{share_host::fresh(), {.delivery_count_max = 1}};
  host.append(1, 2);
  CHECK(host.fetch("a", {.records_max = 1}) == ranges{given(0, 0)});
  host.now_ms += 1;
  CHECK(host.fetch("a") == ranges{given(1, 1)});
  host.partition.expire(host.now_ms + 29'999);
  CHECK(host.write().start == offset{1});
  CHECK(host.partition.start() == offset{1});
}

TEST_CASE("an abandoned share partition gives all tickets back",
  "[cluster][share_write]") {
  share_host host;
  host.append(3, 2);
  CHECK(host.fetch("a") == ranges{given(0, 5)});
  CHECK(host.say("a", 0, 2, accept_type, 1) == kafka_error::none);
  REQUIRE(host.partition.take_write());
  CHECK(host.say("a", 3, 3, accept_type, 2) == kafka_error::none);
  CHECK(host.partition.abandon() == tickets{1, 2});
  CHECK_FALSE(host.partition.is_writing());
  CHECK_FALSE(host.partition.take_write());
}
