#include "tests/storage/log_fixture.hpp"

using namespace millrace;

using list = std::vector<int64_t>;

TEST_CASE("a new log is empty, durable and starts where it is told",
  "[storage][partition_log]") {
  log_fixture f;
  f.log_start = offset{7};
  auto& log = f.open();
  CHECK(log.recovered().created);
  CHECK(log.log_start_offset() == offset{7});
  CHECK(log.log_end_offset() == offset{7});
  CHECK(log.durable_end_offset() == offset{7});
  CHECK(f.disk.exists("/data/t-0/00000000000000000007.log"));
}

TEST_CASE("appended batches get offsets one after the other and the epoch, "
          "and are read back whole",
  "[storage][partition_log]") {
  log_fixture f;
  auto& log = f.open();
  CHECK(f.append_good({.count = 3}) == offset{0});
  CHECK(f.append_good({.count = 1}) == offset{3});
  f.epoch = leader_epoch{4};
  auto last = f.append({.count = 5});
  CHECK(last.base_offset == offset{4});
  CHECK(last.last_offset == offset{8});
  CHECK(log.log_end_offset() == offset{9});
  CHECK(log.durable_end_offset() == offset{0});
  CHECK(log.last_epoch() == leader_epoch{4});
  CHECK(log.epoch_at(offset{3}) == leader_epoch{1});
  CHECK(bases(log) == list{0, 3, 4});
  // From the batch that holds the offset.
  CHECK(bases(log, offset{2}, offset{9}) == list{0, 3, 4});
  CHECK(bases(log, offset{8}, offset{9}) == list{4});
  CHECK(bases(log, offset{9}, offset{9}) == list{});
  // A batch that reaches the limit is left out.
  CHECK(bases(log, offset{0}, offset{8}) == list{0, 3});
  CHECK(bases(log, offset{0}, offset{2}) == list{});
  CHECK(log.read(offset{10}, offset{20}, 100, true).error().code
        == errc::out_of_range);
}

TEST_CASE("a read takes what fits, and one batch that does not if it must",
  "[storage][partition_log]") {
  log_fixture f;
  auto& log = f.open();
  for (int i = 0; i < 4; ++i)
    f.append_good();
  const size_t size = make_batch().size();
  CHECK(bases(log, offset{0}, offset{4}, 2 * size) == list{0, 1});
  CHECK(bases(log, offset{0}, offset{4}, 2 * size + 1) == list{0, 1});
  CHECK(bases(log, offset{1}, offset{4}, size - 1, true) == list{1});
  CHECK(bases(log, offset{1}, offset{4}, size - 1, false) == list{});
  CHECK(bases(log, offset{1}, offset{4}, 0, true) == list{1});
}

TEST_CASE("durable_end_offset moves by completed jobs only, and a failed sync "
          "closes the log for ever (R6)",
  "[storage][partition_log]") {
  log_fixture f;
  auto& log = f.open();
  f.append_good();
  auto job = log.begin_sync();
  f.append_good();
  log.complete_sync(job, job.run(f.disk));
  CHECK(log.durable_end_offset() == offset{1});
  f.disk.fail_next_sync();
  auto second = log.begin_sync();
  const auto outcome = second.run(f.disk);
  CHECK_FALSE(outcome.ok());
  log.complete_sync(second, outcome);
  CHECK(log.offline());
  CHECK(log.durable_end_offset() == offset{1});
  CHECK(f.append().error == kafka_error::kafka_storage_error);
}

TEST_CASE(
  "of a batch that is refused no time is told", "[storage][partition_log]") {
  log_fixture f;
  f.config.timestamps = timestamp_type::log_append_time;
  f.open();
  const auto send = [&](int32_t sequence) {
    return f.append(
      {.producer = producer_id{1}, .producer_epoch = 0, .sequence = sequence});
  };
  REQUIRE(send(0).error == kafka_error::none);
  CHECK(send(0).log_append_time == f.now_ms); // as the original
  const auto refused = send(5);
  CHECK(refused.error == kafka_error::out_of_order_sequence_number);
  CHECK(refused.log_append_time == -1);
}

TEST_CASE("a group of batches is judged one by one, duplicates within it too "
          "(R13)",
  "[storage][partition_log]") {
  log_fixture f;
  auto& log = f.open();
  const auto with = [](int32_t sequence, int count) {
    return make_batch({.count = count,
      .producer = producer_id{5},
      .producer_epoch = 0,
      .sequence = sequence});
  };
  std::vector<append_item> items(5);
  items[0].batch = with(0, 2);
  items[1].batch = with(0, 2); // again
  items[2].batch = with(5, 1); // a gap
  items[3].batch = with(2, 1);
  items[4].batch = make_batch();
  items[4].batch.writable()[70] ^= std::byte{1};
  log.append(items, leader_epoch{0}, f.now_ms);
  CHECK(items[0].base_offset == offset{0});
  CHECK(items[1].duplicate);
  CHECK(items[1].base_offset == offset{0});
  CHECK(items[1].last_offset == offset{1});
  CHECK(items[2].error == kafka_error::out_of_order_sequence_number);
  CHECK(items[3].base_offset == offset{2});
  CHECK(items[4].error == kafka_error::corrupt_message);
  CHECK(log.log_end_offset() == offset{3});
  CHECK(bases(log) == list{0, 2});
}

TEST_CASE("segments roll by size, and reads go across them",
  "[storage][partition_log]") {
  log_fixture f;
  const auto size = static_cast<int64_t>(make_batch().size());
  f.config.segment_bytes = 2 * size + 1;
  f.config.index_interval_bytes = size - 1;
  auto& log = f.open();
  for (int i = 0; i < 7; ++i)
    f.append_good();
  CHECK(log.segment_count() == 4); // 2 + 2 + 2 + 1
  CHECK(bases(log) == list{0, 1, 2, 3, 4, 5, 6});
  CHECK(bases(log, offset{3}, offset{6}) == list{3, 4, 5});
  CHECK(bases(log, offset{1}, offset{7}, static_cast<size_t>(3 * size))
        == list{1, 2, 3});
  CHECK(f.disk.exists("/data/t-0/00000000000000000006.log"));
  // An entry: more than `index_interval_bytes` lay before the second batch.
  // Relative last offset 1, position of the batch.
  std::string expected(8, '\0');
  expected[3] = 1;
  expected[7] = static_cast<char>(size);
  CHECK(f.disk.content("/data/t-0/00000000000000000000.index") == expected);
}

TEST_CASE(
  "one group of appends may roll several times", "[storage][partition_log]") {
  log_fixture f;
  f.config.segment_bytes = static_cast<int64_t>(make_batch().size()) + 1;
  auto& log = f.open();
  std::vector<append_item> items(5);
  for (auto& item : items)
    item.batch = make_batch();
  log.append(items, leader_epoch{0}, f.now_ms);
  for (auto& item : items)
    CHECK(item.error == kafka_error::none);
  CHECK(log.segment_count() == 5);
  CHECK(bases(log) == list{0, 1, 2, 3, 4});
}

TEST_CASE("segments roll when the first batch is older than segment.ms",
  "[storage][partition_log]") {
  log_fixture f;
  f.config.segment_ms = 100;
  auto& log = f.open();
  f.append_good({.timestamp_ms = 1000});
  f.append_good({.timestamp_ms = 1100});
  CHECK(log.segment_count() == 1);
  f.append_good({.timestamp_ms = 1101});
  CHECK(log.segment_count() == 2);
  CHECK(log.roll_if_due(1201).ok());
  CHECK(log.segment_count() == 2);
  CHECK(log.roll_if_due(1202).ok());
  CHECK(log.segment_count() == 3);
}

TEST_CASE("a full disk refuses batches, and the log goes on when there is "
          "room",
  "[storage][partition_log]") {
  log_fixture f;
  auto& log = f.open();
  f.append_good(
    {.producer = producer_id{1}, .producer_epoch = 0, .sequence = 0});
  f.disk.limit_space(100);
  auto refused = f.append(
    {.producer = producer_id{1}, .producer_epoch = 0, .sequence = 1});
  CHECK(refused.error == kafka_error::kafka_storage_error);
  CHECK(refused.base_offset == offset{-1});
  CHECK_FALSE(log.offline());
  CHECK(log.log_end_offset() == offset{1});
  f.disk.limit_space(1 << 20);
  CHECK(f.append_good(
          {.producer = producer_id{1}, .producer_epoch = 0, .sequence = 1})
        == offset{1});
  CHECK(bases(log) == list{0, 1});
}

TEST_CASE("a clean stop is opened without losing anything it knew",
  "[storage][partition_log]") {
  log_fixture f;
  const auto size = static_cast<int64_t>(make_batch().size());
  f.config.index_interval_bytes = 2 * size;
  f.config.segment_bytes = GENERATE(int64_t{1} << 20, int64_t{400});
  f.open();
  for (int i = 0; i < 20; ++i) {
    f.epoch = leader_epoch{1 + i / 7};
    f.now_ms += 10;
    f.append_good({.timestamp_ms = f.now_ms,
      .producer = producer_id{9},
      .producer_epoch = 2,
      .sequence = i});
  }
  const auto segments = f.log->segment_count();
  f.close_and_open();
  auto& log = *f.log;
  CHECK(log.segment_count() == segments);
  CHECK(log.log_end_offset() == offset{20});
  CHECK(log.durable_end_offset() == offset{20});
  CHECK(log.recovered().notes.empty());
  CHECK(bases(log).size() == 20);
  CHECK(log.epoch_at(offset{8}) == leader_epoch{2});
  CHECK(log.end_offset_for(leader_epoch{1}) == epoch_end{{1}, {7}});
  CHECK(log.producers().at(0).last_sequence == 19);
  auto again = f.append(
    {.producer = producer_id{9}, .producer_epoch = 2, .sequence = 19});
  CHECK(again.duplicate);
  CHECK(again.base_offset == offset{19});
  CHECK(f.append_good(
          {.producer = producer_id{9}, .producer_epoch = 2, .sequence = 20})
        == offset{20});
  for (int64_t o = 0; o < 21; ++o)
    CHECK(bases(log, offset{o}, offset{o + 1}) == list{o});
}

TEST_CASE("a follower takes batches as they are, and nothing that does not "
          "fit (R12)",
  "[storage][partition_log]") {
  log_fixture leader;
  leader.open();
  leader.append_good({.count = 2});
  leader.epoch = leader_epoch{3};
  leader.append_good({.count = 1});
  auto bytes = leader.log->read_bytes(offset{0}, offset{3}, SIZE_MAX, true);
  REQUIRE(bytes.ok());

  log_fixture f;
  auto& log = f.open();
  CHECK(log.append_follower(*bytes, leader_epoch{2}, 0).error().code
        == errc::corrupt); // an epoch to come
  CHECK(log.log_end_offset() == offset{0});
  auto end = log.append_follower(*bytes, leader_epoch{3}, 0);
  REQUIRE(end.ok());
  CHECK(*end == offset{3});
  CHECK(log.epoch_at(offset{2}) == leader_epoch{3});
  CHECK(*log.read_bytes(offset{0}, offset{3}, SIZE_MAX, true) == *bytes);
  CHECK(log.append_follower(*bytes, leader_epoch{3}, 0).error().code
        == errc::corrupt); // not where the log ends
  auto bad = shared_bytes::copy_of(bytes->span());
  bad.writable()[65] ^= std::byte{1};
  log_fixture other;
  CHECK_FALSE(other.open().append_follower(bad, leader_epoch{3}, 0).ok());
}

TEST_CASE("truncation cuts whole batches, forgets epochs and producers behind "
          "it, and is durable (R11)",
  "[storage][partition_log]") {
  log_fixture f;
  const auto size = static_cast<int64_t>(make_batch({.count = 2}).size());
  f.config.index_interval_bytes = size / 2;
  f.config.segment_bytes = GENERATE(int64_t{1} << 20, int64_t{300});
  f.open();
  for (int i = 0; i < 8; ++i) {
    f.epoch = leader_epoch{i / 4};
    f.append_good({.count = 2,
      .producer = producer_id{1},
      .producer_epoch = 0,
      .sequence = 2 * i});
  }
  f.sync();
  REQUIRE(f.log->truncate_to(offset{7}).ok());
  CHECK(f.log->log_end_offset() == offset{6}); // batch 6..7 holds 7
  CHECK(f.log->durable_end_offset() == offset{6});
  CHECK(f.log->last_epoch() == leader_epoch{0});
  CHECK(f.log->producers().at(0).last_sequence == 5);
  f.disk.crash(crash_policy::lose_unsynced);
  f.hint = offset{6};
  auto& log = f.open();
  CHECK(log.log_end_offset() == offset{6});
  CHECK(log.producers().at(0).last_sequence == 5);
  CHECK(f.append_good({.count = 2,
          .producer = producer_id{1},
          .producer_epoch = 0,
          .sequence = 6})
        == offset{6});
  CHECK(bases(log) == list{0, 2, 4, 6});
  for (int64_t o = 0; o < 8; o += 2)
    CHECK(bases(log, offset{o + 1}, offset{o + 2}) == list{o});
}

TEST_CASE("a log that starts anew keeps nothing", "[storage][partition_log]") {
  log_fixture f;
  auto& log = f.open();
  f.append_good(
    {.producer = producer_id{1}, .producer_epoch = 0, .sequence = 0});
  REQUIRE(log.reset_to(offset{50}, 0).ok());
  CHECK(log.log_start_offset() == offset{50});
  CHECK(log.log_end_offset() == offset{50});
  CHECK(log.producers().empty());
  CHECK(f.append_good() == offset{50});
}
