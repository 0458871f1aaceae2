#include "tests/storage/log_fixture.hpp"

using namespace millrace;

using list = std::vector<int64_t>;

namespace {

std::string log_of(int64_t base) {
  return segment_path("/data/t-0", offset{base}, ".log");
}

/// Six durable batches of one record each, two in a segment if `rolled`.
void fill(log_fixture& f, bool rolled) {
  f.config.segment_bytes = rolled ? 200 : 1 << 20;
  f.open();
  for (int i = 0; i < 6; ++i)
    f.append_good({.timestamp_ms = 1000 + i});
  f.sync();
  f.hint = offset{6};
}

/// The length, so that a walk over the headers falls over it.
void damage(log_fixture& f, uint64_t batch) {
  f.disk.flip_bit(log_of(0), batch * make_batch().size() + 8, 4);
}

void check_refused(const partition_log& log, int64_t from) {
  INFO("offset " << from);
  const auto read = log.read(offset{from}, log.log_end_offset(), 1000, true);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == errc::corrupt);
}

} // namespace

TEST_CASE("a gap below the hint is a lost range, whatever the cleanup policy "
          "is (R10)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  f.config.compacted = GENERATE(false, true);
  fill(f, true);
  REQUIRE(f.disk.remove(log_of(2)).ok());
  auto& log = f.open();
  REQUIRE(log.recovered().lost.size() == 1);
  CHECK(log.recovered().lost[0].first == offset{2});
  CHECK(log.recovered().lost[0].end == offset{4});
  CHECK(log.recovered().lost[0].acknowledged);
  CHECK(bases(log, offset{0}, offset{6}) == list{0, 1});
  check_refused(log, 2);
  check_refused(log, 3);
  CHECK(bases(log, offset{4}, offset{6}) == list{4, 5});
}

TEST_CASE("a batch whose offset does not follow is damage, whatever the "
          "cleanup policy is (R10)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  f.config.compacted = GENERATE(false, true);
  fill(f, false);
  // The last byte of its base offset, which no checksum covers: 2 becomes 3.
  f.disk.flip_bit(log_of(0), 2 * make_batch().size() + 7, 0);
  auto& log = f.open();
  CHECK(log.recovered().lost.size() == 1);
  CHECK(bases(log, offset{0}, offset{6}) == list{0, 1});
  check_refused(log, 2);
  CHECK(bases(log, offset{3}, offset{6}) == list{3, 4, 5});
}

TEST_CASE("a log without its first segment keeps its start and refuses what is "
          "gone (R10, R18)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, true);
  REQUIRE(f.disk.remove(log_of(0)).ok());
  for (size_t lost : {1, 0}) { // it is news once
    auto& log = f.open();
    CHECK(log.recovered().lost.size() == lost);
    CHECK(log.log_start_offset() == offset{0});
    check_refused(log, 0);
    check_refused(log, 1);
    CHECK(bases(log, offset{2}, offset{6}) == list{2, 3, 4, 5});
  }
}

TEST_CASE("a log whose segments are all gone does not move its start (R10)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, true);
  for (int64_t base : {0, 2, 4})
    REQUIRE(f.disk.remove(log_of(base)).ok());
  for (size_t lost : {1, 0}) {
    auto& log = f.open();
    CHECK(log.recovered().lost.size() == lost);
    CHECK(log.log_start_offset() == offset{0});
    CHECK(log.log_end_offset() == offset{6});
    for (int64_t o = 0; o < 6; ++o)
      check_refused(log, o);
  }
  CHECK(f.append_good() == offset{6});
  CHECK(bases(*f.log, offset{6}, offset{7}) == list{6});
}

TEST_CASE("durable records below a segment that a crash left alone are told "
          "lost (R10)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, true);
  f.hint = offset{3};
  for (int64_t base : {0, 2})
    REQUIRE(f.disk.remove(log_of(base)).ok());
  auto& log = f.open();
  CHECK(log.log_start_offset() == offset{0});
  CHECK(log.log_end_offset() == offset{3});
  REQUIRE_FALSE(log.recovered().lost.empty());
  CHECK(log.recovered().lost.back().first == offset{0});
  CHECK(log.recovered().lost.back().end == offset{3});
  check_refused(log, 0);
  CHECK(f.append_good() == offset{3});
}

TEST_CASE("a log that nothing is known of begins with its first segment",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, true);
  REQUIRE(f.disk.remove(log_of(0)).ok());
  if (GENERATE(false, true))
    f.hint.reset();
  else
    f.log_start.reset();
  auto& log = f.open();
  CHECK(log.recovered().lost.empty());
  CHECK(log.log_start_offset() == offset{2});
  CHECK(bases(log) == list{2, 3, 4, 5});
}

TEST_CASE("a batch that was written twice is read once (R10)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, false);
  auto handle = f.disk.open(log_of(0), open_mode::read_write);
  REQUIRE(handle.ok());
  const auto again = f.log->read_bytes(offset{0}, offset{1}, 1000, true);
  REQUIRE(again.ok());
  REQUIRE((*handle)->write_at(5 * again->size(), again->span()).ok());
  auto& log = f.open();
  CHECK(bases(log, offset{0}, offset{6}) == list{0, 1, 2, 3, 4});
  check_refused(log, 5);
}

TEST_CASE("a lost range that has grown is told again (R10)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, false);
  damage(f, 2);
  f.open();
  damage(f, 3);
  auto& log = f.open();
  REQUIRE(log.recovered().lost.size() == 1);
  CHECK(log.recovered().lost[0].first == offset{2});
  CHECK(log.recovered().lost[0].end == offset{4});
  check_refused(log, 2);
  check_refused(log, 3);
  CHECK(bases(log, offset{4}, offset{6}) == list{4, 5});
}

TEST_CASE("a log that is cut within a lost range gives its offsets again (R11)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, false);
  damage(f, 2);
  damage(f, 3);
  f.open();
  REQUIRE(f.log->truncate_to(GENERATE(offset{2}, offset{3})).ok());
  CHECK(f.log->log_end_offset() == offset{2});
  CHECK(f.append_good() == offset{2});
  CHECK(f.append_good() == offset{3});
  CHECK(bases(*f.log) == list{0, 1, 2, 3});
  f.sync();
  f.hint = offset{4};
  f.disk.crash(crash_policy::lose_unsynced);
  auto& log = f.open();
  CHECK(log.recovered().lost.empty());
  CHECK(bases(log) == list{0, 1, 2, 3});
}

TEST_CASE("a log that begins with a lost range can be cut there (R11)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, true);
  f.disk.flip_bit(log_of(2), 8, 4); // the first of segment 2
  f.open();
  check_refused(*f.log, 2);
  const auto cut = f.log->truncate_to(offset{2});
  INFO((cut.ok() ? "" : to_string(cut.error())));
  REQUIRE(cut.ok());
  CHECK(f.append_good() == offset{2});
  CHECK(bases(*f.log) == list{0, 1, 2});
}

TEST_CASE("bytes of what is lost do not stay behind a cut (R10, R11)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, true);
  damage(f, 1); // the last of segment 0: nothing behind it can be found
  f.open();
  check_refused(*f.log, 1);
  REQUIRE(f.log->truncate_to(offset{1}).ok());
  f.hint = offset{1};
  // Shorter than what lay there, and in a segment of their own.
  for (int i = 0; i < 3; ++i)
    f.append_good({.value_size = 1});
  f.sync();
  f.disk.crash(crash_policy::lose_unsynced);
  auto& log = f.open();
  CHECK(log.recovered().lost.empty());
  CHECK(bases(log) == list{0, 1, 2, 3});
}

TEST_CASE(
  "a segment whose first batch is lost is cut to nothing, whatever that "
  "batch says of itself (R10, R11)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  f.config.segment_bytes = 300; // three in a segment
  f.open();
  for (int i = 0; i < 6; ++i)
    f.append_good({.timestamp_ms = 1000 + i});
  f.sync();
  f.hint = offset{6};
  // It seems to be one of lower offsets.
  f.disk.flip_bit(log_of(3), 7, 1);
  f.open();
  check_refused(*f.log, 3);
  REQUIRE(f.log->truncate_to(offset{3}).ok());
  CHECK(f.log->log_end_offset() == offset{3});
  for (int i = 0; i < 6; ++i)
    f.append_good();
  f.sync();
  f.hint = offset{3};
  f.disk.crash(crash_policy::lose_unsynced);
  auto& log = f.open();
  CHECK(log.recovered().lost.empty());
  CHECK(bases(log) == list{0, 1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("a log that is cut behind a lost range goes on behind it (R11)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  f.config.index_interval_bytes = GENERATE(1, 4096);
  fill(f, false);
  damage(f, 2);
  f.open();
  const int64_t end = GENERATE(3, 4, 5);
  REQUIRE(f.log->truncate_to(offset{end}).ok());
  CHECK(f.log->log_end_offset() == offset{end});
  CHECK(f.append_good() == offset{end});
  list expected;
  for (int64_t o = 3; o <= end; ++o)
    expected.push_back(o);
  const auto check = [&](const partition_log& log) {
    CHECK(bases(log, offset{0}, offset{6}) == list{0, 1});
    check_refused(log, 2);
    CHECK(bases(log, offset{3}, offset{6}) == expected);
  };
  check(*f.log);
  f.sync();
  f.hint = offset{end + 1};
  f.disk.crash(crash_policy::lose_unsynced);
  check(f.open());
}

TEST_CASE(
  "a log that starts anew has lost nothing", "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, false);
  damage(f, 2);
  f.open();
  REQUIRE(f.log->reset_to(offset{2}, 0).ok());
  f.append_good();
  f.sync();
  f.hint = offset{3};
  f.log_start = offset{2};
  f.disk.crash(crash_policy::lose_unsynced);
  CHECK(bases(f.open()) == list{2});
}

TEST_CASE("a read of what is missing says so and does not wait for it (R10)",
  "[storage][partition_log_lost]") {
  log_fixture f;
  fill(f, true);
  REQUIRE(f.log->close(true).ok());
  auto handle = f.disk.open(log_of(0), open_mode::read_write);
  REQUIRE(handle.ok());
  REQUIRE((*handle)->truncate(make_batch().size()).ok());
  auto& log = f.open(true); // looks at the last segment only
  CHECK(bases(log, offset{0}, offset{6}) == list{0});
  const offset limit = GENERATE(offset{2}, offset{6});
  const auto read = log.read(offset{1}, limit, 1000, true);
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == errc::corrupt);
  CHECK(bases(log, offset{2}, offset{6}) == list{2, 3, 4, 5});
}
