#include "tests/cluster/share_host.hpp"

using namespace millrace;
using namespace millrace::test;

namespace {

constexpr auto accept_type = share_acknowledge_type::accept;
constexpr auto release_type = share_acknowledge_type::release;
constexpr auto reject_type = share_acknowledge_type::reject;
constexpr auto renew_type = share_acknowledge_type::renew;

using ranges = std::vector<share_acquired>;

bool plausible(const std::vector<share_acknowledgement>& batches,
  share_acknowledge_type highest = renew_type) {
  return are_plausible(batches, highest);
}

} // namespace

TEST_CASE(
  "batches that cannot be meant are seen", "[cluster][share_acknowledge]") {
  CHECK(plausible({}));
  CHECK(plausible({said(0, 4, accept_type), said(5, 5, renew_type)}));
  CHECK(plausible({{{0}, {2}, {1, 2, 0}}}));
  CHECK_FALSE(plausible({said(0, 4, renew_type)}, reject_type));
  CHECK_FALSE(plausible({said(4, 3, accept_type)}));
  CHECK_FALSE(plausible({said(-1, 3, accept_type)}));
  CHECK_FALSE(plausible({said(5, 9, accept_type), said(0, 3, accept_type)}));
  CHECK_FALSE(plausible({{{0}, {2}, {}}}));
  CHECK_FALSE(plausible({{{0}, {2}, {1, 1}}}));
  CHECK_FALSE(plausible({{{0}, {0}, {5}}}));
  CHECK_FALSE(plausible({{{0}, {0}, {-1}}}));
}

TEST_CASE(
  "each record may be said something else of", "[cluster][share_acknowledge]") {
  share_host host;
  host.append(6);
  CHECK(host.fetch("a") == ranges{given(0, 5)});
  // accept, accept, release, reject, gap, accept
  const share_acknowledgement mixed{{0}, {5}, {1, 1, 2, 3, 0, 1}};
  const auto verdict = host.partition.acknowledge("a", {&mixed, 1}, 42, 0);
  CHECK(verdict.error == kafka_error::none);
  CHECK(verdict.waits);
  const auto write = host.partition.take_write();
  REQUIRE(write);
  CHECK(*write
        == share_partition_snapshot{.state_epoch = 3,
          .leader_epoch = 7,
          .start = {2},
          .delivery_complete_count = 3,
          .batches = {{{2}, {2}, 0, 1}, {{3}, {4}, 4, 1}, {{5}, {5}, 2, 1}}});
  CHECK(host.partition.write_done() == std::vector<uint64_t>{42});
  CHECK(host.fetch("b") == ranges{given(2, 2, 2)});
}

TEST_CASE("only who holds a record may acknowledge it, and once",
  "[cluster][share_acknowledge]") {
  share_host host;
  CHECK(host.accept("a", 0, 0) == kafka_error::invalid_record_state);
  host.append(5, 2);
  CHECK(host.fetch("a", {.records_max = 5}) == ranges{given(0, 4)});
  CHECK(host.accept("b", 0, 4) == kafka_error::invalid_record_state);
  CHECK(host.accept("a", 0, 9) == kafka_error::invalid_request);
  CHECK(host.accept("a", 7, 9) == kafka_error::invalid_request);
  CHECK(host.accept("a", 1, 2) == kafka_error::none);
  // It is on its way to be durable.
  CHECK(host.accept("a", 2, 2) == kafka_error::invalid_record_state);
  host.write();
  CHECK(host.accept("a", 2, 2) == kafka_error::invalid_record_state);
  CHECK(host.accept("a", 0, 0) == kafka_error::none);
  host.write();
  // Below the start.
  CHECK(host.accept("a", 0, 2) == kafka_error::invalid_record_state);
  CHECK(host.accept("a", 3, 4) == kafka_error::none);
}

TEST_CASE(
  "a request counts as a whole or not at all", "[cluster][share_acknowledge]") {
  share_host host;
  host.append(5, 2);
  CHECK(host.fetch("a", {.records_max = 5}) == ranges{given(0, 4)});
  CHECK(host.fetch("b", {.records_max = 5}) == ranges{given(5, 9)});
  const std::vector both{said(0, 4, accept_type), said(5, 9, accept_type)};
  CHECK(host.partition.acknowledge("a", both, 1, 0).error
        == kafka_error::invalid_record_state);
  const std::vector twice{said(0, 4, accept_type), said(4, 4, accept_type)};
  CHECK(host.partition.acknowledge("a", twice, 1, 0).error
        == kafka_error::invalid_record_state);
  CHECK_FALSE(host.partition.take_write());
  CHECK(host.accept("a", 0, 4) == kafka_error::none);
}

TEST_CASE("a release of the last delivery is the end of a record",
  "[cluster][share_acknowledge]") {
  share_host host{share_host::fresh(), {.delivery_count_max = 2}};
  host.append(1);
  CHECK(host.fetch("a") == ranges{given(0, 0)});
  CHECK(host.say("a", 0, 0, release_type) == kafka_error::none);
  CHECK(host.fetch("a").empty()); // not before that is durable
  host.write();
  CHECK(host.fetch("a") == ranges{given(0, 0, 2)});
  CHECK(host.say("a", 0, 0, release_type) == kafka_error::none);
  host.write();
  CHECK(host.fetch("a").empty());
  CHECK(host.partition.start() == offset{1});
}

TEST_CASE("a renewed lock lasts longer, and nothing is written",
  "[cluster][share_acknowledge]") {
  share_host host;
  host.append(4);
  CHECK(host.fetch("a") == ranges{given(0, 3)});
  host.now_ms += 20'000;
  const auto renew = said(2, 3, renew_type);
  const auto verdict
    = host.partition.acknowledge("a", {&renew, 1}, 1, host.now_ms);
  CHECK(verdict.error == kafka_error::none);
  CHECK_FALSE(verdict.waits);
  CHECK_FALSE(host.partition.take_write());
  host.now_ms += 10'000;
  host.partition.expire(host.now_ms);
  CHECK(host.fetch("b") == ranges{given(0, 1, 2)});
  CHECK(host.partition.next_deadline() == host.now_ms + 20'000);
  CHECK(host.say("b", 2, 3, renew_type) == kafka_error::invalid_record_state);
}

TEST_CASE("an acknowledgement over what is for nobody is of the others",
  "[cluster][share_acknowledge]") {
  share_host host;
  host.append(2);
  host.append(1, 1, true);
  host.append(2);
  CHECK(host.fetch("a") == ranges{given(0, 1), given(3, 4)});
  CHECK(host.accept("a", 0, 4) == kafka_error::none);
  CHECK(host.write().start == offset{5});
}
