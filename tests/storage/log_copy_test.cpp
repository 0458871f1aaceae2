#include "storage/log_copy.hpp"
#include "tests/storage/log_fixture.hpp"

using namespace millrace;

namespace {

partition_log::opening at(log_fixture& f, const std::string& directory) {
  return {.files = &f.disk,
    .directory = directory,
    .name = {"t", 0},
    .config = f.config,
    .durable_hint = std::nullopt,
    .log_start = f.log_start,
    .now_ms = f.now_ms};
}

log_copy copy_of(log_fixture& f) {
  REQUIRE(f.disk.make_directory("/data/t-0.1-future"));
  auto copy = log_copy::open(at(f, "/data/t-0.1-future"));
  REQUIRE(copy);
  return std::move(*copy);
}

shared_bytes bytes_of(
  const partition_log& log, offset from, offset limit, size_t max = 1u << 20) {
  auto read = log.read_bytes(from, limit, max, true);
  REQUIRE(read);
  return *read;
}

/// All bytes of the segments in a directory, in order.
std::string content(log_fixture& f, const std::string& directory) {
  std::string all;
  for (const auto& path : f.disk.tree())
    if (path.starts_with(directory + "/") && path.ends_with(".log"))
      all += f.disk.content(path);
  return all;
}

} // namespace

TEST_CASE("a copy has what the log has, byte for byte", "[storage][log_copy]") {
  log_fixture f;
  f.config.segment_bytes = 600;
  f.open();
  for (int i = 0; i < 40; ++i) {
    f.epoch = leader_epoch{1 + i / 10};
    REQUIRE(f.append({.count = 3,
                       .producer = producer_id{7},
                       .producer_epoch = 0,
                       .sequence = 3 * i})
              .error
            == kafka_error::none);
  }
  auto copy = copy_of(f);
  CHECK_FALSE(copy.next());
  // While it is in use, what is committed; the rest when it is closed.
  while (copy.next().value_or(offset{0}) < offset{60})
    REQUIRE(copy.add(
      bytes_of(*f.log, copy.next().value_or(offset{0}), offset{60}, 300),
      f.now_ms));
  REQUIRE(f.log->close(true));
  f.log.reset();
  const auto whole = copy.finish(at(f, "/data/t-0"));
  REQUIRE(whole);
  CHECK(whole->log_start == offset{0});
  CHECK(whole->end == offset{120});
  CHECK(content(f, "/data/t-0.1-future") == content(f, "/data/t-0"));
  f.disk.crash(crash_policy::lose_unsynced);
  auto again = partition_log::open(at(f, "/data/t-0.1-future"));
  REQUIRE(again);
  CHECK((*again)->log_end_offset() == offset{120});
  CHECK((*again)->last_epoch() == leader_epoch{4});
  CHECK((*again)->end_offset_for(leader_epoch{2}).end == offset{60});
  REQUIRE((*again)->producers().size() == 1);
  CHECK((*again)->producers().front().last_sequence == 119);
}

TEST_CASE("a log of which nothing was copied before it was closed",
  "[storage][log_copy]") {
  log_fixture f;
  f.open();
  const auto count = GENERATE(0, 1, 5);
  for (int i = 0; i < count; ++i)
    f.append();
  auto copy = copy_of(f);
  REQUIRE(f.log->close(true));
  f.log.reset();
  const auto whole = copy.finish(at(f, "/data/t-0"));
  REQUIRE(whole);
  CHECK(whole->end == offset{count});
}

TEST_CASE("a copy of a log that begins in the middle of a batch",
  "[storage][log_copy]") {
  log_fixture f;
  f.open();
  f.append({.count = 10});
  f.append({.count = 10});
  REQUIRE(f.log->delete_records(offset{4}, f.now_ms));
  f.log_start = offset{4};
  auto copy = copy_of(f);
  if (GENERATE(false, true))
    REQUIRE(copy.add(bytes_of(*f.log, offset{4}, offset{10}), f.now_ms));
  REQUIRE(f.log->close(true));
  f.log.reset();
  const auto whole = copy.finish(at(f, "/data/t-0"));
  REQUIRE(whole);
  CHECK(whole->log_start == offset{4});
  CHECK(whole->end == offset{20});
  auto again = partition_log::open(at(f, "/data/t-0.1-future"));
  REQUIRE(again);
  CHECK((*again)->log_start_offset() == offset{4});
  CHECK(content(f, "/data/t-0.1-future") == content(f, "/data/t-0"));
}

TEST_CASE("what all was deleted of a log is not in its copy either",
  "[storage][log_copy]") {
  log_fixture f;
  f.open();
  f.append({.count = 10});
  auto copy = copy_of(f);
  REQUIRE(copy.add(bytes_of(*f.log, offset{0}, offset{10}), f.now_ms));
  REQUIRE(f.log->reset_to(offset{50}, f.now_ms));
  f.log_start = offset{50};
  if (GENERATE(false, true)) {
    copy.begin_again();
    CHECK_FALSE(copy.next());
  }
  REQUIRE(f.log->close(true));
  f.log.reset();
  const auto whole = copy.finish(at(f, "/data/t-0"));
  REQUIRE(whole);
  CHECK(whole->end == offset{50});
  auto again = partition_log::open(at(f, "/data/t-0.1-future"));
  REQUIRE(again);
  CHECK((*again)->log_end_offset() == offset{50});
}

TEST_CASE(
  "what was cut off the log is not in its copy either", "[storage][log_copy]") {
  log_fixture f;
  f.open();
  for (int i = 0; i < 10; ++i)
    f.append({.fill = 'a'});
  auto copy = copy_of(f);
  REQUIRE(copy.add(bytes_of(*f.log, offset{0}, offset{10}), f.now_ms));
  // Another leader has written something else from 4 on.
  REQUIRE(f.log->truncate_to(offset{4}));
  f.epoch = leader_epoch{2};
  const auto more = GENERATE(0, 3, 12);
  for (int i = 0; i < more; ++i)
    f.append({.fill = 'b'});
  REQUIRE(f.log->close(true));
  f.log.reset();
  const auto whole = copy.finish(at(f, "/data/t-0"));
  REQUIRE(whole);
  CHECK(whole->end == offset{4 + more});
  CHECK(content(f, "/data/t-0.1-future") == content(f, "/data/t-0"));
}

TEST_CASE("a damaged log is not moved", "[storage][log_copy]") {
  log_fixture f;
  f.open();
  for (int i = 0; i < 10; ++i)
    f.append();
  REQUIRE(f.log->close(true));
  f.log.reset();
  f.disk.flip_bit("/data/t-0/00000000000000000000.log", 300, 1);
  auto copy = copy_of(f);
  auto source = at(f, "/data/t-0");
  source.durable_hint = offset{10};
  const auto whole = copy.finish(source);
  REQUIRE_FALSE(whole);
  CHECK(whole.error().code == errc::corrupt);
}

TEST_CASE(
  "bytes that are not what comes next are not taken", "[storage][log_copy]") {
  log_fixture f;
  f.open();
  f.append();
  f.append();
  auto copy = copy_of(f);
  REQUIRE(copy.add(bytes_of(*f.log, offset{0}, offset{1}), f.now_ms));
  const auto again = copy.add(bytes_of(*f.log, offset{0}, offset{1}), f.now_ms);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == errc::corrupt);
  CHECK(copy.next() == offset{1});
}
