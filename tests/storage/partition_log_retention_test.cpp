#include "tests/storage/log_fixture.hpp"

using namespace millrace;

using list = std::vector<int64_t>;

namespace {

/// Ten batches of one record, two in a segment, durable; timestamps 1000,
/// 1010, ... 1090.
void fill(log_fixture& f) {
  f.config.segment_bytes = 2 * static_cast<int64_t>(make_batch().size()) + 10;
  f.config.retention_ms = -1;
  f.open();
  for (int i = 0; i < 10; ++i)
    f.append_good({.timestamp_ms = 1000 + 10 * i,
      .producer = producer_id{i},
      .producer_epoch = 0,
      .sequence = 0});
  f.sync();
  REQUIRE(f.log->segment_count() == 5);
}

} // namespace

TEST_CASE("segments go by age of their youngest record, never above the high "
          "watermark",
  "[storage][partition_log_retention]") {
  log_fixture f;
  fill(f);
  auto config = f.config;
  config.retention_ms = 100;
  f.log->configure(config);
  CHECK_FALSE(f.log->begin_retention(1110, offset{10}));
  CHECK(f.log->begin_retention(1111, offset{10}) == offset{2});
  CHECK(f.log->begin_retention(1131, offset{10}) == offset{4});
  CHECK(f.log->begin_retention(1131, offset{3}) == offset{2});
  CHECK(f.log->begin_retention(9999, offset{10}) == offset{10});
}

TEST_CASE("a spoiled time index makes nothing old",
  "[storage][partition_log_retention]") {
  log_fixture f;
  fill(f);
  f.close_and_open();
  auto config = f.config;
  config.retention_ms = 100;
  f.log->configure(config);
  // As it was a thousand years ago, of the last record and of one that is not.
  const auto relative = GENERATE('\1', '\7');
  std::string entry(time_entry::size, '\0');
  entry[7] = '\1';
  entry.back() = relative;
  for (int64_t base : {0, 2, 4, 6}) {
    const auto path = segment_path("/data/t-0", offset{base}, ".timeindex");
    const auto size = f.disk.content(path).size();
    REQUIRE(size >= entry.size());
    f.disk.overwrite(path, size - entry.size(), entry);
  }
  CHECK_FALSE(f.log->begin_retention(1110, offset{10}));
  CHECK(f.log->begin_retention(1111, offset{10}) == offset{2});
  const auto found = f.log->find_by_time(1040);
  REQUIRE(found.ok());
  REQUIRE(*found);
  CHECK((*found)->at == offset{4});
}

TEST_CASE("segments go by size, but the active one stays",
  "[storage][partition_log_retention]") {
  log_fixture f;
  fill(f);
  auto config = f.config;
  const auto segment = static_cast<int64_t>(f.log->size_bytes() / 5);
  config.retention_bytes = 3 * segment;
  f.log->configure(config);
  CHECK(f.log->begin_retention(0, offset{10}) == offset{4});
  config.retention_bytes = 3 * segment + 1;
  f.log->configure(config);
  CHECK(f.log->begin_retention(0, offset{10}) == offset{2});
  config.retention_bytes = 0;
  f.log->configure(config);
  CHECK(f.log->begin_retention(0, offset{10}) == offset{8});
}

TEST_CASE("a segment that goes is renamed, and a read that was decided goes on "
          "(R18)",
  "[storage][partition_log_retention]") {
  log_fixture f;
  fill(f);
  auto slices = f.log->read(offset{0}, offset{10}, SIZE_MAX, true);
  REQUIRE(slices.ok());
  auto gone = f.log->finish_retention(offset{4}, 0);
  REQUIRE(gone.ok());
  CHECK(f.log->log_start_offset() == offset{4});
  CHECK(f.log->segment_count() == 3);
  CHECK(bases(*f.log) == list{4, 5, 6, 7, 8, 9});
  CHECK(f.log->read(offset{3}, offset{9}, 100, true).error().code
        == errc::out_of_range);
  for (const auto& path : gone->paths_to_remove) {
    CHECK(path.ends_with(".deleted"));
    CHECK(f.disk.exists(path));
    CHECK(f.disk.remove(path).ok());
  }
  std::vector<std::byte> bytes(slices->slices[0].size);
  auto got = slices->slices[0].source->read_at(0, bytes);
  REQUIRE(got.ok());
  CHECK(batch_view{bytes}.base_offset() == offset{0});
  CHECK_FALSE(f.log->begin_retention(0, offset{10}));
}

TEST_CASE("DeleteRecords moves the start within a segment, and drops no "
          "producer (R14)",
  "[storage][partition_log_retention]") {
  log_fixture f;
  fill(f);
  CHECK(
    f.log->delete_records(offset{11}, 0).error().code == errc::out_of_range);
  REQUIRE(f.log->delete_records(offset{5}, 0).ok());
  CHECK(f.log->log_start_offset() == offset{5});
  CHECK(f.log->segment_count() == 3);
  CHECK(bases(*f.log) == list{5, 6, 7, 8, 9});
  f.log_start = offset{5};
  f.hint = offset{10};
  f.disk.crash(crash_policy::random_subset);
  auto& log = f.open();
  CHECK(bases(log) == list{5, 6, 7, 8, 9});
  CHECK(log.producers().size() == 10);
}

TEST_CASE("a log may lose all its records and keeps offsets and producers "
          "(R14)",
  "[storage][partition_log_retention]") {
  log_fixture f;
  fill(f);
  REQUIRE(f.log->delete_records(offset{10}, 0).ok());
  CHECK(f.log->segment_count() == 1);
  CHECK(f.log->size_bytes() == 0);
  f.log_start = offset{10};
  f.hint = offset{10};
  f.disk.crash(crash_policy::lose_unsynced);
  auto& log = f.open();
  CHECK(log.log_start_offset() == offset{10});
  CHECK(log.log_end_offset() == offset{10});
  CHECK(log.producers().size() == 10);
  CHECK(f.append_good() == offset{10});
}

TEST_CASE("producers are known, whichever of the removed segments a crash "
          "brings back (R14)",
  "[storage][partition_log_retention]") {
  log_fixture f;
  f.config.segment_bytes = 300;
  f.open();
  for (int i = 0; i < 10; ++i)
    f.append_good(
      {.producer = producer_id{1}, .producer_epoch = 0, .sequence = i});
  f.sync();
  const auto removed = f.log->delete_records(offset{10}, 0);
  REQUIRE(removed.ok());
  const std::string log_suffix = ".log.deleted";
  std::vector<std::string> logs;
  for (const auto& path : removed->paths_to_remove)
    if (path.ends_with(log_suffix))
      logs.push_back(path);
  REQUIRE(logs.size() > 2);
  // Only the names of one segment's files are as they were.
  const auto back = GENERATE(0u, 1u, 2u);
  const auto stem = logs[back].substr(0, logs[back].size() - log_suffix.size());
  for (const std::string_view kind : {".log", ".index", ".timeindex"}) {
    const auto path = stem + std::string{kind};
    REQUIRE(f.disk.rename(path + ".deleted", path).ok());
  }
  f.log_start = offset{10};
  f.hint = offset{10};
  f.disk.kill();
  auto& log = f.open();
  REQUIRE(log.producers().size() == 1);
  CHECK(log.producers()[0].last_sequence == 9);
  auto again = f.append(
    {.producer = producer_id{1}, .producer_epoch = 0, .sequence = 9});
  CHECK(again.duplicate);
  CHECK(again.base_offset == offset{9});
}
