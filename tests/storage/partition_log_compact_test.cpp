// Logs that are compacted, as their readers see them.

#include "tests/storage/compaction_recipes.hpp"

using namespace millrace;

namespace {

void set_up(log_fixture& f) {
  f.config.compacted = true;
  f.config.segment_bytes = 5000;
  f.config.index_interval_bytes = 100;
  f.hint = offset{0};
  f.open();
}

void roll(log_fixture& f) {
  f.now_ms += f.config.segment_ms + 1000;
  REQUIRE(f.log->roll_if_due(f.now_ms).ok());
  f.now_ms += 1;
}

using map = std::map<int64_t, std::string>;

map values_of(const partition_log& log) {
  map out;
  for (const auto& [at, r] : records_of(log))
    out[at] = r.key + "=" + r.value.value_or("-");
  return out;
}

} // namespace

TEST_CASE("of each key the newest value stays, at its offset",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  const auto codec = GENERATE(compression_codec::none, compression_codec::gzip,
    compression_codec::snappy, compression_codec::lz4, compression_codec::zstd);
  append_keyed(f, keyed_batch({{"a", "1"}, {"b", "1"}, {"c", "1"}}, codec));
  append_keyed(f, keyed_batch({{"a", "2"}}, codec));
  append_keyed(f, keyed_batch({{"a", "3"}, {"b", "2"}}, codec));
  roll(f);
  append_keyed(f, keyed_batch({{"b", "3"}}, codec));
  const auto run = compact(f);
  CHECK(run.clean_until == offset{6});
  CHECK(run.swaps == 1);
  // b=3 is in the active segment, which nobody looks at.
  CHECK(
    values_of(*f.log) == map{{2, "c=1"}, {4, "a=3"}, {5, "b=2"}, {6, "b=3"}});
  const auto all = records_of(*f.log);
  CHECK(all.at(2).timestamp_ms == 1002);
  CHECK(all.at(5).timestamp_ms == 1001);
  f.sync();
  const auto before = values_of(*f.log);
  f.close_and_open();
  CHECK(values_of(*f.log) == before);
}

TEST_CASE("offsets that are gone are read as what comes next, without a gap",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  for (int i = 0; i < 20; ++i)
    append_keyed(f, keyed_batch({{"a", std::to_string(i)}}));
  append_keyed(f, keyed_batch({{"b", "x"}}));
  roll(f);
  compact(f);
  // 0 to 18 are one empty batch.
  CHECK(bases(*f.log) == std::vector<int64_t>{0, 19, 20});
  for (int64_t from = 0; from < 19; ++from)
    CHECK(bases(*f.log, offset{from}, offset{21})
          == std::vector<int64_t>{0, 19, 20});
  CHECK(bases(*f.log, offset{20}, offset{21}) == std::vector<int64_t>{20});
  CHECK(f.log->segment_count() == 2);
}

TEST_CASE("a tombstone takes its key along, and goes after "
          "delete.retention.ms",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  f.config.delete_retention_ms = 5000;
  f.log->configure(f.config);
  append_keyed(f, keyed_batch({{"a", "1"}, {"b", "1"}}));
  append_keyed(f, keyed_batch({{"a", std::nullopt}, {"c", "1"}}));
  roll(f);
  compact(f);
  CHECK(values_of(*f.log) == map{{1, "b=1"}, {2, "a=-"}, {3, "c=1"}});
  // Its records are as old as they were.
  CHECK(records_of(*f.log).at(2).timestamp_ms == 1000);
  CHECK(records_of(*f.log).at(3).timestamp_ms == 1001);
  const auto passed_at = f.now_ms;
  f.now_ms = passed_at + 4999;
  compact(f, offset{0});
  CHECK(values_of(*f.log).contains(2));
  f.now_ms = passed_at + 5000;
  compact(f, offset{0});
  CHECK(values_of(*f.log) == map{{1, "b=1"}, {3, "c=1"}});
  CHECK(records_of(*f.log).at(3).timestamp_ms == 1001);
}

TEST_CASE("a log is searched by time after it was compacted",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  for (int i = 0; i < 30; ++i)
    append_keyed(f, keyed_batch({{std::to_string(i % 10), "x"}},
                      compression_codec::none, 1000 + i * 10));
  roll(f);
  compact(f);
  auto found = f.log->find_by_time(1000);
  REQUIRE(found.ok());
  REQUIRE(*found);
  CHECK((*found)->at == offset{20});
  found = f.log->find_by_time(1255);
  REQUIRE(found.ok());
  REQUIRE(*found);
  CHECK((*found)->at == offset{26});
  CHECK((*found)->timestamp == 1260);
}

TEST_CASE("the youngest record is one that is there",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  const bool append_time = GENERATE(false, true);
  if (append_time)
    f.config.timestamps = timestamp_type::log_append_time;
  f.log->configure(f.config);
  f.now_ms = 2000;
  append_keyed(f, keyed_batch({{"a", "1"}, {"b", "1"}}));
  f.now_ms = 3000;
  append_keyed(f, keyed_batch_of({9}, 0, {{"a", "1"}, {"c", "1"}, {"a", "2"}}));
  roll(f);
  append_keyed(f, keyed_batch({{"a", "3"}, {"c", "2"}}));
  roll(f);
  compact(f);
  // Of the producer's batch only the header is left.
  CHECK(values_of(*f.log) == map{{1, "b=1"}, {5, "a=3"}, {6, "c=2"}});
  auto found = f.log->find_by_time(1001);
  REQUIRE(found.ok());
  REQUIRE(*found);
  CHECK((*found)->at == offset{1});
  found = f.log->find_by_time(append_time ? 2001 : 1002);
  REQUIRE(found.ok());
  CHECK((*found ? (*found)->at : offset{-1})
        == (append_time ? offset{5} : offset{-1}));
  found = f.log->max_timestamp();
  REQUIRE(found.ok());
  REQUIRE(*found);
  CHECK((*found)->at == (append_time ? offset{5} : offset{1}));
}

TEST_CASE("what is aborted goes, and what is committed is compacted",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  f.config.delete_retention_ms = 5000;
  f.log->configure(f.config);
  const producer_id one{1};
  const producer_id two{2};
  append_keyed(f, keyed_batch_of(one, 0, {{"a", "1"}, {"b", "1"}}, true));
  append_keyed(f, keyed_batch_of(two, 0, {{"a", "no"}, {"z", "no"}}, true));
  append_keyed(f, make_control_batch({two, 0, false, 1}, 1000)); // at 4
  append_keyed(f, make_control_batch({one, 0, true, 1}, 1000));  // at 5
  append_keyed(f, keyed_batch_of(one, 2, {{"b", "2"}}, true));   // at 6
  append_keyed(f, make_control_batch({one, 0, true, 1}, 1000));
  append_keyed(f, keyed_batch_of(two, 2, {{"c", "2"}}, true));
  append_keyed(f, make_control_batch({two, 0, true, 1}, 1000));
  append_keyed(f, keyed_batch_of(one, 3, {{"d", "2"}}));
  roll(f);
  compact(f);
  const map expected{{0, "a=1"}, {6, "b=2"}, {8, "c=2"}, {10, "d=2"}};
  CHECK(values_of(*f.log) == expected);
  // Every marker is there, as something of each transaction was until now.
  const auto kept = bases(*f.log);
  for (const int64_t marker : {4, 5, 7, 9})
    CHECK(std::count(kept.begin(), kept.end(), marker) == 1);
  // The next pass meets a marker without its transaction, and gives it time.
  const auto noted_at = f.now_ms;
  compact(f);
  CHECK(bases(*f.log) == kept);
  f.now_ms = noted_at + 5000;
  compact(f);
  const auto left = bases(*f.log);
  CHECK(std::count(left.begin(), left.end(), 4) == 0);
  CHECK(std::count(left.begin(), left.end(), 5) == 1);
  CHECK(values_of(*f.log) == expected);
  f.sync();
  f.close_and_open();
  CHECK(values_of(*f.log) == expected);
  CHECK(f.log->last_stable_offset(f.log->log_end_offset())
        == f.log->log_end_offset());
}

TEST_CASE("nothing at or behind the last stable offset is touched (I33)",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  append_keyed(f, keyed_batch({{"a", "1"}}));
  append_keyed(f, keyed_batch({{"a", "2"}}));
  roll(f);
  append_keyed(f, keyed_batch_of({1}, 0, {{"a", "3"}}, true));
  roll(f);
  append_keyed(f, keyed_batch({{"a", "4"}}));
  roll(f);
  const auto run = compact(f);
  CHECK(run.clean_until == offset{2});
  CHECK(values_of(*f.log) == map{{1, "a=2"}, {2, "a=3"}, {3, "a=4"}});
}

TEST_CASE("a producer's last batch stays without records, so that what it "
          "sends twice is in the log once (R13)",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  const producer_id p{9};
  append_keyed(f, keyed_batch_of(p, 0, {{"a", "1"}}));
  append_keyed(f, keyed_batch_of(p, 1, {{"a", "2"}, {"a", "3"}}));
  append_keyed(f, keyed_batch({{"a", "4"}}));
  roll(f);
  compact(f);
  CHECK(values_of(*f.log) == map{{3, "a=4"}});
  f.sync();
  // Without a snapshot only the batches tell.
  f.hint = f.log->log_end_offset();
  f.log.reset();
  for (const auto& path : f.disk.tree())
    if (path.ends_with(".snapshot"))
      REQUIRE(f.disk.remove(path).ok());
  f.open();
  std::vector<append_item> items(1);
  items[0].batch = keyed_batch_of(p, 1, {{"a", "2"}, {"a", "3"}});
  f.log->append(items, f.epoch, f.now_ms);
  CHECK(items[0].error == kafka_error::none);
  CHECK(items[0].duplicate);
  CHECK(items[0].last_offset == offset{2});
  append_keyed(f, keyed_batch_of(p, 3, {{"b", "1"}}));
}

TEST_CASE("a follower that ends within what its leader has compacted goes on "
          "there (R12)",
  "[storage][partition_log_compact]") {
  log_fixture leader;
  set_up(leader);
  log_fixture follower;
  set_up(follower);
  const auto copy = [&](size_t bytes) {
    const auto from = follower.log->log_end_offset();
    auto got
      = leader.log->read_bytes(from, leader.log->log_end_offset(), bytes, true);
    REQUIRE(got.ok());
    auto done = follower.log->append_follower(*got, leader_epoch{1}, 1000);
    INFO((done.ok() ? "" : to_string(done.error())));
    REQUIRE(done.ok());
  };
  for (int i = 0; i < 20; ++i)
    append_keyed(leader, keyed_batch({{"a", std::to_string(i)}}));
  for (int i = 0; i < 7; ++i)
    copy(1);
  CHECK(follower.log->log_end_offset() == offset{7});
  roll(leader);
  compact(leader);
  while (follower.log->log_end_offset() < leader.log->log_end_offset())
    copy(1);
  CHECK(
    bases(*follower.log) == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 19});
  roll(follower);
  compact(follower);
  CHECK(values_of(*follower.log) == values_of(*leader.log));
}

TEST_CASE("what does not fit into the memory is left to the next pass",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  for (int i = 0; i < 200; ++i)
    append_keyed(f, keyed_batch({{"k" + std::to_string(i), "1"}}));
  for (int i = 0; i < 200; ++i)
    append_keyed(f, keyed_batch({{"k" + std::to_string(i), "2"}}));
  roll(f);
  offset clean{0};
  int passes = 0;
  // 64 slots are the least, 56 of them are used.
  while (clean < offset{400}) {
    const auto run = compact(f, clean, {.map_bytes_max = 1});
    REQUIRE(run.clean_until > clean);
    clean = run.clean_until;
    ++passes;
  }
  CHECK(passes == 8); // 400 / 56
  const auto left = records_of(*f.log);
  CHECK(left.size() == 200);
  for (const auto& [at, r] : left)
    CHECK(r.value == "2");
}

TEST_CASE("a slice that was given out stays as it was (R18)",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  for (int i = 0; i < 3; ++i)
    append_keyed(f, keyed_batch({{"a", std::to_string(i)}}));
  roll(f);
  auto slices = f.log->read(offset{0}, offset{3}, SIZE_MAX, true);
  REQUIRE(slices.ok());
  const auto& slice = slices->slices.at(0);
  const auto bytes = [&] {
    std::vector<std::byte> out(slice.size);
    auto got = slice.source->read_at(slice.position, out);
    REQUIRE(got.ok());
    return out;
  };
  const auto before = bytes();
  compact(f);
  CHECK(bytes() == before);
  CHECK(values_of(*f.log).size() == 1);
}

TEST_CASE("a log that is cut while it is compacted stays cut",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  for (int i = 0; i < 8; ++i)
    append_keyed(f, keyed_batch({{"a", std::to_string(i)}}));
  roll(f);
  append_keyed(f, keyed_batch({{"b", "1"}}));
  auto plan = f.log->plan_compaction(offset{0}, offset{9}, f.now_ms);
  REQUIRE(plan.ok());
  REQUIRE(*plan);
  auto order = f.log->begin_compaction(**plan, f.now_ms);
  REQUIRE(order.ok());
  const auto gate = order->gate;
  offset_map keys{1};
  compaction_job job{std::move(*order), {}, keys};
  const bool before_commit = GENERATE(true, false);
  std::unique_ptr<compacted_segment> ready;
  while (ready == nullptr && !before_commit) {
    auto step = job.step();
    REQUIRE(step.ok());
    ready = std::move(step->ready);
  }
  f.hint = offset{4};
  REQUIRE(f.log->truncate_to(offset{4}).ok());
  if (before_commit) {
    while (true) {
      auto step = job.step();
      if (!step) {
        CHECK(step.error().code == errc::offline);
        break;
      }
      REQUIRE_FALSE(step->done);
    }
  } else {
    auto removal = f.log->finish_compaction(std::move(*ready), gate);
    REQUIRE(removal.ok());
    CHECK(removal->paths_to_remove.empty());
  }
  CHECK(bases(*f.log) == std::vector<int64_t>{0, 1, 2, 3});
  f.log.reset();
  f.disk.crash(crash_policy::keep_unsynced);
  f.open();
  CHECK(bases(*f.log) == std::vector<int64_t>{0, 1, 2, 3});
}

TEST_CASE("compaction stops at a batch that is not what was written",
  "[storage][partition_log_compact]") {
  log_fixture f;
  set_up(f);
  for (int i = 0; i < 3; ++i)
    append_keyed(f, keyed_batch({{"a", std::to_string(i)}}));
  roll(f);
  f.sync();
  f.disk.flip_bit("/data/t-0/00000000000000000000.log", 100, 3);
  auto done = try_compact(*f.log, f.disk, offset{0}, f.now_ms);
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == errc::corrupt);
  CHECK(f.log->log_end_offset() == offset{3});
}

TEST_CASE("random logs keep the newest value of every key, pass by pass",
  "[storage][partition_log_compact]") {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 rng{seed};
    log_fixture f{seed};
    set_up(f);
    f.config.segment_bytes = static_cast<int64_t>(300 + rng() % 2000);
    f.log->configure(f.config);
    std::map<std::string, std::pair<int64_t, std::string>> newest;
    offset clean{0};
    int count = 0;
    for (int round = 0; round < 6; ++round) {
      const int batches = 5 + static_cast<int>(rng() % 30);
      for (int i = 0; i < batches; ++i) {
        std::vector<keyed> records(1 + rng() % 6);
        for (auto& r : records)
          r = {"k" + std::to_string(rng() % 20), std::to_string(++count)};
        const auto codec = static_cast<compression_codec>(rng() % 5);
        const auto base = append_keyed(f, keyed_batch(records, codec));
        for (size_t r = 0; r < records.size(); ++r)
          newest[records[r].key]
            = {base.value + static_cast<int64_t>(r), *records[r].value};
        if (rng() % 10 == 0)
          ++f.epoch.value;
      }
      const auto before = values_of(*f.log);
      const auto run = compact(f, clean,
        {.map_bytes_max = rng() % 2 ? 1u : 1u << 20,
          .chunk_bytes = 64 + rng() % 3000});
      clean = run.clean_until;
      const auto after = values_of(*f.log);
      for (const auto& [at, value] : after)
        REQUIRE(before.at(at) == value);
      for (const auto& [key, where] : newest)
        REQUIRE(after.at(where.first) == key + "=" + where.second);
      auto damage = f.log->look_for_damage(offset{0}, SIZE_MAX);
      REQUIRE(damage.ok());
      REQUIRE_FALSE(*damage);
      f.sync();
      if (rng() % 2) {
        f.hint = f.log->durable_end_offset();
        f.log.reset();
        f.disk.crash(crash_policy::random_subset);
        f.open();
      } else {
        f.close_and_open();
      }
      REQUIRE(f.log->recovered().lost.empty());
      REQUIRE(values_of(*f.log) == after);
    }
  }
}
