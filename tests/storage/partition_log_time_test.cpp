#include "tests/storage/log_fixture.hpp"

using namespace millrace;

namespace {

std::optional<timestamp_offset> at(partition_log& log, int64_t timestamp) {
  auto found = log.find_by_time(timestamp);
  REQUIRE(found.ok());
  return *found;
}

} // namespace

TEST_CASE("the first record at or after a time is found, in every codec",
  "[storage][partition_log_time]") {
  log_fixture f;
  f.config.segment_bytes = GENERATE(400, 1 << 20);
  f.config.index_interval_bytes = GENERATE(1, 300);
  f.open();
  // Record i at 1000 + 10 * (i / 3) + i % 3, so offset o is easy to name.
  for (int i = 0; i < 30; ++i)
    f.append_good({.count = 3,
      .timestamp_ms = 1000 + 10 * i,
      .codec = static_cast<compression_codec>(i % 5)});
  const auto check = [](partition_log& log) {
    for (int i = 0; i < 30; ++i)
      for (int k = 0; k < 3; ++k) {
        const auto found = at(log, 1000 + 10 * i + k);
        REQUIRE(found);
        CHECK(found->at == offset{3 * i + k});
        CHECK(found->timestamp == 1000 + 10 * i + k);
        CHECK(found->epoch == leader_epoch{1});
      }
    CHECK(at(log, 0)->at == offset{0});
    CHECK(at(log, 1003)->at == offset{3});
    CHECK_FALSE(at(log, 1293));
    auto largest = log.max_timestamp();
    REQUIRE(largest.ok());
    CHECK((*largest)->at == offset{89});
  };
  check(*f.log);
  f.close_and_open();
  check(*f.log);
}

TEST_CASE("times that do not rise are searched by the largest so far",
  "[storage][partition_log_time]") {
  log_fixture f;
  f.config.index_interval_bytes = 1;
  f.open();
  for (const int64_t t : {50, 90, 20, 95, 10, 93})
    f.append_good({.timestamp_ms = t});
  CHECK(at(*f.log, 51)->at == offset{1});
  CHECK(at(*f.log, 91)->at == offset{3});
  CHECK(at(*f.log, 5)->at == offset{0});
  auto largest = f.log->max_timestamp();
  REQUIRE(largest.ok());
  CHECK((*largest)->at == offset{3});
}

TEST_CASE("records before the log's start are not found by time",
  "[storage][partition_log_time]") {
  log_fixture f;
  f.open();
  f.append_good({.count = 5, .timestamp_ms = 100});
  f.sync();
  REQUIRE(f.log->delete_records(offset{2}, 0).ok());
  CHECK(at(*f.log, 0)->at == offset{2});
}

TEST_CASE(
  "an empty log has no largest timestamp", "[storage][partition_log_time]") {
  log_fixture f;
  auto largest = f.open().max_timestamp();
  REQUIRE(largest.ok());
  CHECK_FALSE(*largest);
}

TEST_CASE("the largest timestamp is one of a record that is still there",
  "[storage][partition_log_time]") {
  log_fixture f;
  f.open();
  for (const int64_t t : {90, 30, 40, 20})
    f.append_good({.timestamp_ms = t});
  f.sync();
  REQUIRE(f.log->delete_records(offset{1}, 0).ok());
  auto largest = f.log->max_timestamp();
  REQUIRE(largest.ok());
  CHECK((*largest)->at == offset{2});
  CHECK((*largest)->timestamp == 40);
}
