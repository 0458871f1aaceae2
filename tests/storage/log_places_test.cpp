#include "storage/log_places.hpp"
#include "tests/storage/log_fixture.hpp"

using namespace millrace;

namespace {

const uuid some_topic{1, 2};
const topic_partition orders{"orders", 0};

std::unique_ptr<log_places> open_places(sim_file_system& files) {
  auto directory = data_directory::open(files, "/data",
    {.node = node_id{1},
      .fresh_cluster = uuid{3, 4},
      .fresh_directory = uuid{5, 6},
      .cluster = std::nullopt});
  REQUIRE(directory);
  auto places = log_places::open(files, std::move(*directory));
  REQUIRE(places);
  return std::move(*places);
}

} // namespace

TEST_CASE("R6: after a failed sync a log is read past the page cache",
  "[storage][log_places]") {
  log_fixture f;
  {
    auto places = open_places(f.disk);
    auto path = places->prepare(orders, some_topic);
    REQUIRE(path);
    auto file
      = f.disk.open(*path + "/00000000000000000000.log", open_mode::create);
    REQUIRE(file);
    const auto kept = make_batch();
    REQUIRE((*file)->write_at(0, kept.span()));
    REQUIRE((*file)->sync());
    REQUIRE(f.disk.sync_directory(*path));
    // The next batch is lost, and the page cache goes on showing it.
    REQUIRE((*file)->write_at(kept.size(), kept.span()));
    f.disk.fail_next_sync();
    REQUIRE_FALSE((*file)->sync());
    REQUIRE(places->directory().set_offline(to_string(orders)));
    CHECK(*(*file)->size() == 2 * kept.size());
  }
  // The process ends, the machine goes on: the page cache is still there.
  f.disk.kill();
  auto places = open_places(f.disk);
  auto path = places->prepare(orders, some_topic);
  REQUIRE(path);
  CHECK(places->directory().offline().empty());
  auto file = f.disk.open(*path + "/00000000000000000000.log", open_mode::read);
  REQUIRE(file);
  CHECK(*(*file)->size() == make_batch().size());
  REQUIRE_FALSE(places->notes().empty());
  CHECK_THAT(places->notes().back(), Catch::Contains("orders-0"));
}

TEST_CASE("a log that the system holds in memory stays offline (R6)",
  "[storage][log_places]") {
  log_fixture f;
  auto places = open_places(f.disk);
  auto path = places->prepare(orders, some_topic);
  REQUIRE(path);
  REQUIRE(f.disk.open(*path + "/0.log", open_mode::create)
      .operator*()
      ->write_at(0, make_batch().span()));
  REQUIRE(places->directory().set_offline(to_string(orders)));
  f.disk.pin_memory();
  CHECK(places->prepare(orders, some_topic).error().code == errc::offline);
  CHECK(places->directory().offline().size() == 1);
}

TEST_CASE("a log directory whose making failed half way is made again whole",
  "[storage][log_places]") {
  log_fixture f;
  {
    auto places = open_places(f.disk);
    f.disk.limit_space(0);
    REQUIRE_FALSE(places->prepare(orders, some_topic));
    f.disk.limit_space(UINT64_MAX);
    auto path = places->prepare(orders, some_topic);
    REQUIRE(path);
    REQUIRE(f.disk.open(*path + "/0.log", open_mode::create)
        .operator*()
        ->write_at(0, make_batch().span()));
  }
  f.disk.kill();
  // It is known whose the records are.
  CHECK(open_places(f.disk)->prepare(orders, some_topic));
}

TEST_CASE("a new log keeps whose it is from its first record on, and a crash "
          "before its first sync leaves nothing in the way",
  "[storage][log_places]") {
  const topic_partition name{"t", 0}; // the fixture's
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    log_fixture f{seed};
    const bool writes = seed % 3 != 0;
    const bool syncs = seed % 3 == 1;
    {
      auto places = open_places(f.disk);
      REQUIRE(places->prepare(name, some_topic));
      f.open();
      if (writes)
        f.append_good({.count = 50});
      if (syncs)
        f.sync();
      f.log.reset();
    }
    f.disk.crash(seed % 4 == 0 ? crash_policy::lose_unsynced
                               : crash_policy::random_subset);
    auto places = open_places(f.disk);
    if (writes) {
      CHECK(places->unclaimed() == std::vector<std::string>{"t-0"});
      REQUIRE(places->prepare(name, some_topic));
      // It is known as that topic's, and no other's.
      CHECK(places->notes().empty());
      const auto kept = f.open().log_end_offset();
      if (syncs)
        CHECK(kept == offset{50});
    } else {
      REQUIRE(places->prepare(name, uuid{7, 7}));
      CHECK(f.open().log_end_offset() == offset{0});
    }
  }
}

TEST_CASE("records of nobody knows whom are refused, not given to a topic",
  "[storage][log_places]") {
  log_fixture f;
  {
    auto places = open_places(f.disk);
    REQUIRE(places->prepare({"t", 0}, some_topic));
    f.open();
    f.append_good();
    f.sync();
    f.log.reset();
  }
  f.disk.flip_bit("/data/t-0/partition.metadata", 2, 1);
  auto places = open_places(f.disk);
  CHECK(places->prepare({"t", 0}, some_topic).error().code == errc::corrupt);
}

TEST_CASE("a clean stop says nothing about a log that is opened once more",
  "[storage][log_places]") {
  log_fixture f;
  {
    auto places = open_places(f.disk);
    REQUIRE(places->prepare(orders, some_topic));
    REQUIRE(places->directory().mark_clean_stop());
  }
  auto places = open_places(f.disk);
  REQUIRE(places->prepare(orders, some_topic));
  CHECK(places->hints(orders).clean);
  // Whoever had it has died, and another opens it.
  REQUIRE(places->prepare(orders, some_topic));
  CHECK_FALSE(places->hints(orders).clean);
}

TEST_CASE("hints come back after a restart, and a log without an entry starts "
          "at 0 (R10, R18)",
  "[storage][log_places]") {
  sim_file_system files;
  auto places = open_places(files);
  places->set_hints({"t", 0}, offset{5}, offset{9});
  REQUIRE(places->save());
  places.reset();
  files.crash(crash_policy::lose_unsynced);
  places = open_places(files);
  CHECK(places->hints({"t", 0}).log_start == offset{5});
  CHECK(places->hints({"t", 0}).durable == offset{9});
  CHECK(places->hints({"u", 0}).log_start == offset{0});
  CHECK_FALSE(places->hints({"u", 0}).durable);
}

TEST_CASE("where a log starts is unknown, not 0, when its checkpoint is broken",
  "[storage][log_places]") {
  sim_file_system files;
  auto places = open_places(files);
  places->set_hints({"t", 0}, offset{5}, offset{9});
  REQUIRE(places->save());
  places.reset();
  REQUIRE(replace_file(files, "/data/log-start-offset-checkpoint", "x"));
  places = open_places(files);
  CHECK_FALSE(places->hints({"t", 0}).log_start);
  CHECK(places->hints({"t", 0}).durable == offset{9});
  CHECK(places->notes().size() == 1);
}
