#include "tests/storage/log_fixture.hpp"

using namespace millrace;

using list = std::vector<int64_t>;

namespace {

const std::string first_log = "/data/t-0/00000000000000000000.log";

/// A log of `count` batches with one record each, all written to the page
/// cache; those below `synced` are durable and the hint says so.
void fill(log_fixture& f, int count, int synced) {
  f.open();
  for (int i = 0; i < count; ++i) {
    f.append_good({.timestamp_ms = 1000 + i});
    if (i + 1 == synced)
      f.sync();
  }
  f.hint = offset{synced};
}

} // namespace

TEST_CASE("what recovery announces is durable, though it was only cached "
          "before (R5)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  fill(f, 5, 2);
  f.log.reset();
  f.disk.kill(); // the process dies, the page cache lives
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{5});
  CHECK(log.durable_end_offset() == offset{5});
  f.disk.crash(crash_policy::lose_unsynced);
  f.hint = offset{5};
  CHECK(bases(f.open()) == list{0, 1, 2, 3, 4});
  CHECK(f.log->recovered().lost.empty());
}

TEST_CASE("what recovery announces of a log that was never synced is durable, "
          "with the log's own name (R5)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.open();
  f.append_good();
  f.log.reset();
  f.disk.kill();
  CHECK(f.open().durable_end_offset() == offset{1});
  f.disk.crash(crash_policy::lose_unsynced);
  CHECK(bases(f.open()) == list{0});
}

TEST_CASE("a log whose process died before its first sync keeps what is synced "
          "after the restart (R5)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.open();
  f.log.reset();
  f.disk.kill(); // the names of log and segment are in the cache only
  f.open();
  REQUIRE(f.append_good() == offset{0});
  f.sync();
  CHECK(f.log->durable_end_offset() == offset{1});
  f.disk.crash(crash_policy::lose_unsynced);
  CHECK(bases(f.open()) == list{0});
}

TEST_CASE("a segment that was empty when the process died keeps what is synced "
          "after the restart (R5)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  fill(f, 3, 3);
  f.config.segment_ms = 0;
  f.log->configure(f.config);
  REQUIRE(f.log->roll_if_due(1'000'000).ok());
  REQUIRE(f.log->segment_count() == 2);
  f.log.reset();
  f.disk.kill();
  f.open();
  REQUIRE(f.append_good() == offset{3});
  f.sync();
  f.disk.crash(crash_policy::lose_unsynced);
  CHECK(bases(f.open()) == list{0, 1, 2, 3});
}

TEST_CASE("a torn tail is cut and reported (R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  fill(f, 5, 2);
  const auto size = make_batch().size();
  auto handle = f.disk.open(first_log, open_mode::read_write);
  REQUIRE(handle.ok());
  const size_t left = GENERATE(1, 30, 61, 80);
  REQUIRE((*handle)->truncate(4 * size + left).ok());
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{4});
  CHECK(log.recovered().torn_bytes == left);
  CHECK(log.recovered().lost.empty());
  CHECK(f.append_good() == offset{4});
  CHECK(bases(log) == list{0, 1, 2, 3, 4});
}

TEST_CASE("that a replicated log was cut is known until the others have heard "
          "of it (R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.replicated = GENERATE(true, false);
  fill(f, 6, 3);
  CHECK_FALSE(f.log->cut_short());
  const auto size = make_batch().size();
  const bool sound_behind = GENERATE(true, false);
  f.disk.flip_bit(first_log, (sound_behind ? 4 : 5) * size + 65, 0);
  CHECK(f.open().cut_short() == f.replicated);
  // Before anybody has heard, it crashes again: now the log looks whole.
  const bool power = GENERATE(true, false);
  if (power)
    f.disk.crash(crash_policy::lose_unsynced);
  else
    f.disk.kill();
  f.open();
  CHECK(f.log->recovered().torn_bytes == 0);
  CHECK(f.log->cut_short() == f.replicated);
  REQUIRE(f.log->forget_cut().ok());
  CHECK_FALSE(f.log->cut_short());
  f.disk.kill();
  CHECK_FALSE(f.open().cut_short());
  CHECK(bases(*f.log).size() == (sound_behind ? 4 : 5));
}

TEST_CASE("zeros behind the last batch are a torn tail (R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  fill(f, 3, 2);
  auto handle = f.disk.open(first_log, open_mode::read_write);
  std::vector<std::byte> zeros(5000);
  REQUIRE((*handle)
      ->write_at(3 * make_batch().size(), std::span<const std::byte>{zeros})
      .ok());
  CHECK(f.open().log_end_offset() == offset{3});
  CHECK(f.log->recovered().torn_bytes == 5000);
}

TEST_CASE("damage above the hint with a sound batch behind is cut, and the "
          "bytes are kept (R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.config.segment_bytes = GENERATE(int64_t{1} << 20, int64_t{200});
  fill(f, 6, 1);
  const auto size = make_batch().size();
  // Batch 2: alone in a file of two batches, or the third of one.
  const bool rolled = f.config.segment_bytes == 200;
  f.disk.flip_bit(rolled ? "/data/t-0/00000000000000000002.log" : first_log,
    rolled ? 65 : 2 * size + 65, 0);
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{2});
  REQUIRE(log.recovered().lost.size() == 1);
  const auto& lost = log.recovered().lost[0];
  CHECK(lost.first == offset{2});
  CHECK(lost.end == offset{6});
  CHECK_FALSE(lost.acknowledged);
  CHECK(f.disk.content(lost.kept_as).size() == 4 * size);
  CHECK(f.append_good() == offset{2});
  CHECK(bases(log) == list{0, 1, 2});
  // Recovering twice is recovering once.
  f.disk.kill();
  CHECK(bases(f.open()) == list{0, 1, 2});
  CHECK(f.log->recovered().lost.empty());
}

TEST_CASE("damage below the hint is never cut: its offsets are refused, the "
          "others are read (R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.config.index_interval_bytes = GENERATE(1, 4096);
  fill(f, 6, 6);
  const auto size = make_batch().size();
  // A bit of the length, so that a walk over the headers falls over it: the
  // batch would go beyond the file, or end early, or take in some of the next
  // ones, or all that follow.
  const int bit = GENERATE(range(0, 32));
  CAPTURE(bit);
  f.disk.flip_bit(
    first_log, 2 * size + 8 + static_cast<size_t>(3 - bit / 8), bit % 8);
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{6});
  REQUIRE(log.recovered().lost.size() == 1);
  CHECK(log.recovered().lost[0].first == offset{2});
  CHECK(log.recovered().lost[0].end == offset{3});
  CHECK(log.recovered().lost[0].acknowledged);
  const auto check = [&](const partition_log& l) {
    CHECK(bases(l, offset{0}, offset{6}) == list{0, 1});
    CHECK(
      l.read(offset{2}, offset{6}, 1000, true).error().code == errc::corrupt);
    CHECK(bases(l, offset{3}, offset{6}) == list{3, 4, 5});
    CHECK(bases(l, offset{4}, offset{6}, 1) == list{4});
  };
  check(log);
  CHECK(f.append_good() == offset{6});
  CHECK(bases(log, offset{5}, offset{7}) == list{5, 6});
  f.sync();
  f.hint = offset{7};
  f.disk.kill();
  check(f.open());
  CHECK(f.log->log_end_offset() == offset{7});
}

TEST_CASE(
  "the epochs of a segment that was sealed when all of it was durable are "
  "known after a crash (KIP-101)",
  "[storage][partition_log]") {
  log_fixture f;
  f.config.segment_ms = 1000;
  f.config.segment_jitter_ms = 0;
  f.open();
  const auto roll = [&] {
    f.now_ms += 5000;
    REQUIRE(f.log->roll_if_due(f.now_ms).ok());
  };
  for (const int32_t epoch : {1, 2, 3}) {
    f.epoch = leader_epoch{epoch};
    f.append_good({.timestamp_ms = f.now_ms});
    if (epoch == 1)
      roll();
    f.sync(); // after the first one the file of epochs is there
  }
  f.hint = f.log->durable_end_offset();
  REQUIRE(f.hint == offset{3});
  roll();
  REQUIRE(f.log->segment_count() == 3);
  f.open(); // the process was killed
  REQUIRE(f.log->segment_count() == 3);
  for (const int32_t epoch : {1, 2, 3}) {
    const auto end = f.log->end_offset_for(leader_epoch{epoch});
    CHECK(end.epoch == leader_epoch{epoch});
    CHECK(end.end == offset{epoch});
  }
}

TEST_CASE("records that went bad below the hint are noticed by the next start "
          "(R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  fill(f, 6, 6);
  const auto size = make_batch().size();
  const auto bad = GENERATE(range(0, 6));
  f.disk.flip_bit(
    first_log, static_cast<uint64_t>(bad) * size + batch_view::header_size, 2);
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{6});
  REQUIRE(log.recovered().lost.size() == 1);
  CHECK(log.recovered().lost[0].first == offset{bad});
  CHECK(log.recovered().lost[0].end == offset{bad + 1});
  CHECK(
    log.read(offset{bad}, offset{6}, 1000, true).error().code == errc::corrupt);
}

TEST_CASE("a batch that was written in the place of another one is missed in "
          "both (R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  fill(f, 6, 6);
  const auto size = make_batch().size();
  const auto content = f.disk.content(first_log);
  const auto [own, other] = GENERATE(std::pair{1, 4}, std::pair{4, 1});
  f.disk.overwrite(first_log, static_cast<uint64_t>(other) * size,
    std::string_view{content}.substr(static_cast<uint64_t>(own) * size, size));
  f.disk.overwrite(
    first_log, static_cast<uint64_t>(own) * size, std::string(size, '\0'));
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{6});
  REQUIRE(log.first_lost() == offset{1});
  for (const auto at : {1, 4})
    CHECK(log.read(offset{at}, offset{6}, 1000, true).error().code
          == errc::corrupt);
  CHECK(bases(log, offset{0}, offset{1}) == list{0});
  CHECK(bases(log, offset{5}, offset{6}) == list{5});
}

TEST_CASE("sound bytes of another log are not taken for what is missing (R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  fill(f, 6, 6);
  const auto size = make_batch().size();
  auto foreign = f.disk.content(first_log).substr(3 * size, size);
  // It says offset 4 or 100, in the place of offset 1; or it lies in its own
  // place, and its epoch is one of long ago.
  const auto [place, says, epoch]
    = GENERATE(std::tuple{1, 4, 1}, std::tuple{1, 100, 1}, std::tuple{3, 3, 0});
  foreign[7] = static_cast<char>(says);
  foreign[15] = static_cast<char>(epoch);
  f.disk.overwrite(first_log, static_cast<uint64_t>(place) * size, foreign);
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{6});
  REQUIRE(log.recovered().lost.size() == 1);
  CHECK(log.recovered().lost[0].first == offset{place});
  CHECK(log.recovered().lost[0].end == offset{place + 1});
  CHECK(log.epoch_at(offset{place - 1}) == leader_epoch{1});
  CHECK(log.epoch_at(offset{5}) == leader_epoch{1});
  CHECK(bases(log, offset{place + 1}, offset{6}).front() == place + 1);
}

TEST_CASE("damage below the log's start is not walked through (R10, R18)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  fill(f, 6, 6);
  const auto size = make_batch().size();
  // In the place of offset 1 lies what says it had offset 4.
  auto foreign = f.disk.content(first_log).substr(4 * size, size);
  f.disk.overwrite(first_log, size, foreign);
  const bool lost_first = GENERATE(true, false);
  if (lost_first)
    f.open();
  f.log_start = offset{3};
  if (lost_first)
    REQUIRE(f.log->finish_retention(offset{3}, 0).ok());
  else
    f.open();
  CHECK_FALSE(f.log->first_lost());
  CHECK(bases(*f.log, offset{3}, offset{6}) == list{3, 4, 5});
  CHECK(bases(*f.log, offset{4}, offset{6}) == list{4, 5});
  f.disk.kill();
  CHECK(bases(f.open(), offset{3}, offset{6}) == list{3, 4, 5});
  CHECK_FALSE(f.log->first_lost());
}

TEST_CASE("a file that lost its durable tail does not give the offsets again "
          "(R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  fill(f, 6, 6);
  auto handle = f.disk.open(first_log, open_mode::read_write);
  const size_t left = GENERATE(0, 20);
  REQUIRE((*handle)->truncate(4 * make_batch().size() + left).ok());
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{6});
  CHECK(log.recovered().lost.at(0).first == offset{4});
  CHECK(log.recovered().lost.at(0).end == offset{6});
  CHECK(bases(log, offset{0}, offset{6}) == list{0, 1, 2, 3});
  CHECK_FALSE(log.read(offset{5}, offset{6}, 100, true).ok());
  CHECK(f.append_good() == offset{6});
  CHECK(bases(log, offset{6}, offset{7}) == list{6});
  f.sync();
  f.hint = offset{7};
  f.disk.kill();
  CHECK(f.open().log_end_offset() == offset{7});
  CHECK(bases(*f.log, offset{6}, offset{7}) == list{6});
  CHECK_FALSE(f.log->read(offset{5}, offset{6}, 100, true).ok());
}

TEST_CASE("a log whose files are gone goes on behind what was durable (R10)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.hint = offset{9};
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{9});
  CHECK(log.recovered().lost.size() == 1);
  CHECK(f.append_good() == offset{9});
}

TEST_CASE("producers come back from a snapshot below the hint and what "
          "follows it (R14)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.config.segment_bytes = 300;
  f.open();
  const auto send = [&](int64_t id, int sequence) {
    return f.append_good(
      {.producer = producer_id{id}, .producer_epoch = 0, .sequence = sequence});
  };
  for (int i = 0; i < 10; ++i) {
    send(1, i);
    if (i < 2)
      send(2, i);
  }
  f.sync();
  f.hint = offset{7};
  f.disk.crash(crash_policy::lose_unsynced);
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{12});
  REQUIRE(log.producers().size() == 2);
  CHECK(log.producers()[0].last_sequence == 9);
  CHECK(log.producers()[1].last_sequence == 1);
  auto again = f.append(
    {.producer = producer_id{1}, .producer_epoch = 0, .sequence = 7});
  CHECK(again.duplicate);
  CHECK(again.base_offset == offset{9});
}

TEST_CASE("a snapshot that cannot be read is passed over (R14)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.config.segment_bytes = 300;
  f.open();
  for (int i = 0; i < 10; ++i)
    f.append_good(
      {.producer = producer_id{1}, .producer_epoch = 0, .sequence = i});
  REQUIRE(f.log->close(true).ok());
  for (const auto& path : f.disk.tree())
    if (path.ends_with(".snapshot"))
      f.disk.flip_bit(path, 20, 3);
  f.hint = offset{10};
  auto& log = f.open(true);
  CHECK(log.producers().at(0).last_sequence == 9);
}

TEST_CASE("epochs are found in the headers again when their file is gone or "
          "old (R11)",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.config.segment_bytes = GENERATE(int64_t{1} << 20, int64_t{200});
  f.open();
  for (int i = 0; i < 9; ++i) {
    f.epoch = leader_epoch{i / 3 * 2};
    f.append_good();
    f.sync();
  }
  f.hint = GENERATE(offset{0}, offset{9});
  f.disk.crash(crash_policy::lose_unsynced);
  if (GENERATE(false, true))
    static_cast<void>(f.disk.remove("/data/t-0/leader-epoch-checkpoint"));
  auto& log = f.open();
  CHECK(log.end_offset_for(leader_epoch{0}) == epoch_end{{0}, {3}});
  CHECK(log.end_offset_for(leader_epoch{3}) == epoch_end{{2}, {6}});
  CHECK(log.end_offset_for(leader_epoch{4}) == epoch_end{{4}, {9}});
}

TEST_CASE("an index of a sealed segment that lies costs time, not records",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  f.config.segment_bytes = 1000;
  f.config.index_interval_bytes = 1;
  f.open();
  for (int i = 0; i < 30; ++i)
    f.append_good();
  f.close_and_open();
  const std::string index = "/data/t-0/00000000000000000000.index";
  REQUIRE(f.disk.content(index).size() > 16);
  for (size_t at = 3; at < f.disk.content(index).size(); at += 8)
    f.disk.flip_bit(index, at, 1);
  for (int64_t o = 0; o < 30; ++o)
    CHECK(bases(*f.log, offset{o}, offset{o + 1}) == list{o});
}

TEST_CASE("opening an idle log writes nothing", "[storage][partition_log_"
                                                "recovery]") {
  log_fixture f;
  fill(f, 5, 5);
  f.disk.crash(crash_policy::lose_unsynced);
  const auto before = f.disk.operation_count();
  f.open();
  CHECK(f.disk.operation_count() == before);
  f.log.reset();
  f.open(true);
  CHECK(f.disk.operation_count() == before);
}

TEST_CASE("whatever a disk does to the files, the log opens, and what it gives "
          "out is what was written (R10)",
  "[storage][partition_log_recovery]") {
  std::mt19937_64 rng{11};
  for (int round = 0; round < 1500; ++round) {
    INFO("round " << round);
    log_fixture f;
    f.config.segment_bytes = 600;
    f.config.index_interval_bytes = 150;
    f.open();
    const int count = 5 + static_cast<int>(rng() % 15);
    const int synced = static_cast<int>(rng() % static_cast<uint64_t>(count));
    for (int i = 0; i < count; ++i) {
      f.append_good({.count = 1 + i % 3});
      if (i == synced)
        f.sync();
    }
    f.hint = f.log->durable_end_offset();
    const offset written = f.log->log_end_offset();
    const bool clean = rng() % 3 == 0;
    if (clean) {
      REQUIRE(f.log->close(true).ok());
      f.hint = f.log->log_end_offset();
    }
    f.log.reset();
    std::vector<std::string> paths;
    for (const auto& path : f.disk.tree())
      if (!path.ends_with("/"))
        paths.push_back(path);
    for (uint64_t n = 1 + rng() % 3; n > 0; --n) {
      const auto& path = paths[rng() % paths.size()];
      const auto size = f.disk.content(path).size();
      const auto dice = rng() % 5;
      if (size > 0 && dice == 4) { // what belongs elsewhere lies there
        const auto other = f.disk.content(paths[rng() % paths.size()]);
        const auto from = rng() % (other.size() + 1);
        f.disk.overwrite(path, rng() % size, other.substr(from, 200));
      } else if (size > 0 && dice > 0) {
        f.disk.flip_bit(path, rng() % size, rng() % 8);
      } else if (size > 0) {
        auto handle = f.disk.open(path, open_mode::read_write);
        REQUIRE((*handle)->truncate(rng() % size).ok());
      }
    }
    auto opened = f.try_open(f.disk, clean);
    INFO((opened.ok() ? "" : to_string(opened.error())));
    REQUIRE(opened.ok());
    auto& log = **opened;
    REQUIRE(log.log_end_offset() >= *f.hint);
    REQUIRE(log.log_end_offset() <= written);
    for (offset o = log.log_start_offset(); o < log.log_end_offset();
      ++o.value) {
      auto bytes = log.read_bytes(o, log.log_end_offset(), 1, true);
      if (!bytes) {
        REQUIRE(bytes.error().code == errc::corrupt);
        continue;
      }
      REQUIRE_FALSE(bytes->empty());
      const batch_view view{bytes->span()};
      // Clients verify the checksum; the place must be right.
      REQUIRE(view.base_offset() <= o);
      REQUIRE(view.last_offset() >= o);
    }
    f.log = std::move(*opened);
    const auto end = f.log->log_end_offset();
    CHECK(f.append_good() == end);
    CHECK(bases(*f.log, end, end + int64_t{1}) == list{end.value});
  }
}

TEST_CASE("lost ranges are read, and their damage told, without a segment too",
  "[storage][partition_log_recovery]") {
  log_fixture f;
  REQUIRE(make_directory_durable(f.disk, "/data/t-0").ok());
  REQUIRE(replace_file(f.disk, "/data/t-0/millrace.lost-ranges", "x").ok());
  const auto opened = f.try_open(f.disk);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error().code == errc::corrupt);
}
