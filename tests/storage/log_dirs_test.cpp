#include "storage/log_dirs.hpp"
#include "tests/storage/log_fixture.hpp"

using namespace millrace;

namespace {

const uuid some_topic{1, 2};
const topic_partition orders{"orders", 0};
const topic_partition bills{"bills", 0};
constexpr replica_history fresh{.known = false, .replaceable = true};
constexpr replica_history replicated{.known = true, .replaceable = true};
constexpr replica_history alone{.known = true, .replaceable = false};

using paths = std::vector<std::string>;
const paths two{"/a", "/b"};

result<std::unique_ptr<log_dirs>> try_open(
  sim_file_system& files, const paths& where, uint64_t fresh_ids = 100) {
  auto primary = data_directory::open(files, where.front(),
    {.node = node_id{1},
      .fresh_cluster = uuid{3, 4},
      .fresh_directory = uuid{fresh_ids, 0},
      .cluster = std::nullopt});
  if (!primary)
    return primary.error();
  std::vector<uuid> ids;
  for (size_t i = 0; i < where.size(); ++i)
    ids.push_back({fresh_ids, i});
  return log_dirs::open(files, std::move(*primary), where, ids);
}

std::unique_ptr<log_dirs> open_dirs(
  sim_file_system& files, const paths& where = two, uint64_t fresh_ids = 100) {
  auto dirs = try_open(files, where, fresh_ids);
  INFO((dirs.ok() ? "" : to_string(dirs.error())));
  REQUIRE(dirs);
  return std::move(*dirs);
}

log_dirs::place prepared(log_dirs& dirs, const topic_partition& name,
  const replica_history& history = fresh) {
  auto place = dirs.prepare(name, some_topic, history);
  INFO((place.ok() ? "" : to_string(place.error())));
  REQUIRE(place);
  return std::move(*place);
}

/// The log with one record, all of it on the disk.
void fill(sim_file_system& files, const std::string& directory) {
  auto log = partition_log::open({.files = &files,
    .directory = directory,
    .name = orders,
    .config = {},
    .durable_hint = std::nullopt});
  REQUIRE(log);
  std::vector<append_item> items(1);
  items[0].batch = make_batch();
  (*log)->append(items, leader_epoch{1}, 1000);
  REQUIRE(items[0].error == kafka_error::none);
  REQUIRE((*log)->close(true));
}

/// How many records the log has.
int64_t records_in(sim_file_system& files, const std::string& directory) {
  auto log = partition_log::open({.files = &files,
    .directory = directory,
    .name = orders,
    .config = {},
    .durable_hint = std::nullopt});
  REQUIRE(log);
  return (*log)->log_end_offset().value;
}

} // namespace

TEST_CASE(
  "logs come to the directory that has the fewest", "[storage][log_dirs]") {
  sim_file_system disk;
  const paths where{"/a", "/b", "/c"};
  {
    auto dirs = open_dirs(disk, where);
    for (int32_t i = 0; i < 6; ++i)
      CHECK(prepared(*dirs, {"t", i}).directory == static_cast<size_t>(i % 3));
    dirs->prefer(orders, 2);
    CHECK(prepared(*dirs, orders).path == "/c/orders-0");
  }
  auto dirs = open_dirs(disk, where);
  CHECK(dirs->home_of(orders) == 2);
  CHECK(prepared(*dirs, {"t", 4}, alone).path == "/b/t-4");
  REQUIRE(dirs->mark_deleted({"t", 4}));
  CHECK_FALSE(dirs->home_of({"t", 4}));
}

TEST_CASE("hints are kept where the log is", "[storage][log_dirs]") {
  sim_file_system disk;
  {
    auto dirs = open_dirs(disk);
    dirs->prefer(orders, 1);
    prepared(*dirs, orders);
    dirs->set_hints(orders, offset{3}, offset{9});
    dirs->set_high_watermark(orders, offset{8});
    dirs->set_hints(bills, offset{1}, offset{2}); // is nowhere
    REQUIRE(dirs->save());
    REQUIRE(dirs->mark_clean_stop());
  }
  CHECK(disk.content("/b/millrace.durable-offsets") == "0\n1\norders 0 9\n");
  auto dirs = open_dirs(disk);
  CHECK(dirs->stopped_cleanly());
  CHECK(dirs->hints(orders).log_start == offset{3});
  CHECK(dirs->hints(orders).high_watermark == offset{8});
  CHECK(dirs->hints(orders).clean);
}

TEST_CASE("one directory may fail, the rest goes on", "[storage][log_dirs]") {
  sim_file_system disk;
  {
    auto dirs = open_dirs(disk);
    dirs->prefer(orders, 1);
    prepared(*dirs, orders);
    prepared(*dirs, bills);
  }
  {
    auto held = disk.lock("/b");
    REQUIRE(held);
    auto dirs = open_dirs(disk);
    CHECK(dirs->all()[1].places == nullptr);
    CHECK_THAT(dirs->all()[1].failure, Catch::Contains("in use"));
    CHECK_THAT(dirs->notes().front(), Catch::Contains("/b is not used"));
    CHECK(prepared(*dirs, bills, alone).path == "/a/bills-0");
    for (const auto& history : {alone, replicated}) {
      const auto place = dirs->prepare(orders, some_topic, history);
      REQUIRE_FALSE(place);
      CHECK(place.error().code == errc::offline);
      CHECK_THAT(place.error().context, Catch::Contains("/b"));
    }
    // It was nowhere before, so it is in no directory that has failed.
    CHECK(prepared(*dirs, {"new", 0}).path == "/a/new-0");
  }
  auto dirs = open_dirs(disk);
  CHECK(prepared(*dirs, orders, alone).path == "/b/orders-0");
}

TEST_CASE("a directory's failure is told for the first one only as an error",
  "[storage][log_dirs]") {
  sim_file_system disk;
  open_dirs(disk);
  auto held = disk.lock("/a");
  REQUIRE(held);
  const auto dirs = try_open(disk, two);
  REQUIRE_FALSE(dirs);
  CHECK(dirs.error().code == errc::locked);
}

TEST_CASE("what was in a directory that is gone is told as lost, and made "
          "anew only where others have it (R10)",
  "[storage][log_dirs]") {
  sim_file_system disk;
  {
    auto dirs = open_dirs(disk);
    dirs->prefer(orders, 1);
    prepared(*dirs, orders);
  }
  const bool replaced = GENERATE(false, true);
  if (replaced)
    REQUIRE(remove_tree(disk, "/b"));
  for (uint64_t restart = 0; restart < 2; ++restart) {
    auto dirs = replaced ? open_dirs(disk, two, 200 + restart)
                         : open_dirs(disk, {"/a"}, 200 + restart);
    const auto place = dirs->prepare(orders, some_topic, alone);
    REQUIRE_FALSE(place);
    CHECK(place.error().code == errc::offline);
    CHECK_FALSE(prepared(*dirs, {"new", 0}).lost);
  }
  auto dirs
    = replaced ? open_dirs(disk, two, 300) : open_dirs(disk, {"/a"}, 300);
  CHECK(prepared(*dirs, orders, replicated).lost);
  REQUIRE(dirs->losses_told(true));
  CHECK_FALSE(prepared(*dirs, orders, alone).lost); // it is there again
}

TEST_CASE("what was lost is told by the next start, too, until it has been "
          "told (R10)",
  "[storage][log_dirs]") {
  const bool at_once = GENERATE(false, true);
  const auto ends = GENERATE(range(0, 6)); // 0: kill -9, else without power
  sim_file_system disk{std::mt19937_64{static_cast<uint64_t>(ends)}};
  {
    auto dirs = open_dirs(disk);
    dirs->prefer(orders, 1);
    fill(disk, prepared(*dirs, orders).path);
  }
  REQUIRE(remove_tree(disk, "/b"));
  REQUIRE(disk.sync_directory("/"));
  bool finished = false;
  for (uint64_t step = 1; !finished; ++step) {
    auto copy = disk.clone();
    copy->stop_at(copy->operation_count() + step);
    if (auto dirs = try_open(*copy, two, 200)) {
      if (!at_once || (*dirs)->note_losses({{orders, some_topic, replicated}}))
        if (auto place = (*dirs)->prepare(orders, some_topic, replicated))
          CHECK(place->lost);
    }
    finished = !copy->stopped();
    if (ends == 0)
      copy->kill();
    else
      copy->crash(crash_policy::random_subset);
    INFO("step " << step);
    {
      auto dirs = open_dirs(*copy, two, 300);
      CHECK(prepared(*dirs, orders, replicated).lost);
      REQUIRE(dirs->losses_told(true));
    }
    auto dirs = open_dirs(*copy, two, 400);
    CHECK_FALSE(prepared(*dirs, orders, replicated).lost);
    // The directory that has gone is not missed any more.
    CHECK_FALSE(prepared(*dirs, bills, replicated).lost);
  }
}

TEST_CASE("a log that is in two directories is in neither of them for sure",
  "[storage][log_dirs]") {
  sim_file_system disk;
  {
    auto dirs = open_dirs(disk);
    prepared(*dirs, orders);
  }
  REQUIRE(disk.make_directory("/b/orders-0"));
  REQUIRE(write_topic_id(disk, "/b/orders-0", some_topic));
  auto dirs = open_dirs(disk);
  CHECK_THAT(dirs->all()[1].failure, Catch::Contains("orders-0"));
  CHECK(prepared(*dirs, orders, alone).path == "/a/orders-0");
}

TEST_CASE(
  "a copy of a directory is not taken for another one", "[storage][log_dirs]") {
  sim_file_system disk;
  open_dirs(disk, {"/a"});
  REQUIRE(disk.make_directory("/b"));
  auto file = disk.open("/b/meta.properties", open_mode::create);
  REQUIRE(file);
  const auto text = disk.content("/a/meta.properties");
  REQUIRE((*file)->write_at(0, std::as_bytes(std::span{text})));
  auto dirs = open_dirs(disk);
  CHECK_THAT(dirs->all()[1].failure, Catch::Contains("copy"));
}

TEST_CASE("a log of a topic that is gone does not stand for its successor "
          "(R17)",
  "[storage][log_dirs]") {
  sim_file_system disk;
  {
    auto dirs = open_dirs(disk);
    dirs->prefer(orders, 1);
    prepared(*dirs, orders);
  }
  auto dirs = open_dirs(disk);
  auto place = dirs->prepare(orders, uuid{7, 7}, fresh);
  REQUIRE(place);
  CHECK(place->path == "/b/orders-0"); // the other has been renamed away
  CHECK(dirs->leftovers().size() == 1);
}

TEST_CASE("a log moves to another directory, whole, whenever the power goes",
  "[storage][log_dirs]") {
  sim_file_system disk{std::mt19937_64{GENERATE(range(1, 6))}};
  {
    auto dirs = open_dirs(disk);
    fill(disk, prepared(*dirs, orders).path);
    dirs->set_hints(orders, offset{0}, offset{1});
    dirs->set_high_watermark(orders, offset{1});
    REQUIRE(dirs->save());
  }
  bool finished = false;
  for (uint64_t step = 1; !finished; ++step) {
    auto copy = disk.clone();
    {
      auto dirs = open_dirs(*copy);
      prepared(*dirs, orders, alone);
      auto future = dirs->begin_move(orders, some_topic, 1);
      REQUIRE(future);
      fill(*copy, *future);
      copy->stop_at(copy->operation_count() + step);
      auto left = dirs->finish_move(orders, 1, *future, offset{0}, offset{1});
      finished = !copy->stopped();
      if (finished) {
        REQUIRE(left);
        CHECK(dirs->home_of(orders) == 1);
        CHECK(dirs->hints(orders).high_watermark == offset{1});
        CHECK(prepared(*dirs, orders, alone).path == "/b/orders-0");
      }
    }
    copy->crash(crash_policy::random_subset);
    auto dirs = open_dirs(*copy);
    REQUIRE(dirs->all()[1].places != nullptr);
    const auto place = prepared(*dirs, orders, alone);
    INFO("step " << step);
    CHECK(records_in(*copy, place.path) == 1);
    if (place.directory == 0) {
      REQUIRE(dirs->unfinished().size() == 1);
      CHECK(dirs->unfinished().front().name == orders);
      CHECK(dirs->unfinished().front().to == 1);
    }
    for (const auto& left : dirs->leftovers())
      REQUIRE(remove_tree(*copy, left));
    const auto tree = copy->tree();
    CHECK(std::ranges::count_if(tree, [](const std::string& path) {
      return path.ends_with("orders-0/") || path.ends_with("-delete/")
             || path.ends_with("-future/");
    }) == 1);
  }
}

TEST_CASE(
  "what is made anew while a directory is away counts when it comes back",
  "[storage][log_dirs]") {
  sim_file_system disk;
  {
    auto dirs = open_dirs(disk);
    dirs->prefer(orders, 1);
    fill(disk, prepared(*dirs, orders).path);
  }
  // Its place here was taken from the replica, and it has another one.
  for (int restart = 0; restart < 3; ++restart) {
    auto held = disk.lock("/b");
    REQUIRE(held);
    auto dirs = open_dirs(disk);
    const auto history = restart == 0 ? fresh : alone;
    CHECK(prepared(*dirs, orders, history).path == "/a/orders-0");
  }
  for (int restart = 0; restart < 2; ++restart) {
    auto dirs = open_dirs(disk);
    REQUIRE(dirs->all()[1].places != nullptr);
    CHECK(prepared(*dirs, orders, alone).path == "/a/orders-0");
    for (const auto& left : dirs->leftovers())
      REQUIRE(remove_tree(disk, left));
    CHECK_FALSE(disk.exists("/b/orders-0"));
    CHECK_THAT(
      disk.content("/a/millrace.log-dirs"), !Catch::Contains("counts"));
  }
}

TEST_CASE(
  "a log that may have been moved away does not count", "[storage][log_dirs]") {
  sim_file_system disk;
  std::string future;
  {
    auto dirs = open_dirs(disk);
    fill(disk, prepared(*dirs, orders).path);
    auto begun = dirs->begin_move(orders, some_topic, 1);
    REQUIRE(begun);
    fill(disk, *begun);
    disk.stop_at(disk.operation_count() + 7); // behind the rename
    REQUIRE_FALSE(dirs->finish_move(orders, 1, *begun, offset{0}, offset{1}));
    REQUIRE(disk.stopped());
  }
  disk.crash(crash_policy::keep_unsynced);
  {
    auto held = disk.lock("/b");
    REQUIRE(held);
    auto dirs = open_dirs(disk);
    const auto place = dirs->prepare(orders, some_topic, replicated);
    REQUIRE_FALSE(place);
    CHECK(place.error().code == errc::offline);
  }
  auto dirs = open_dirs(disk);
  CHECK(prepared(*dirs, orders, alone).path == "/b/orders-0");
}

TEST_CASE(
  "what a register of directories must not say", "[storage][log_dirs]") {
  sim_file_system disk;
  open_dirs(disk);
  REQUIRE(open_dirs(disk)->all()[1].places != nullptr);
  const auto good = disk.content("/a/millrace.log-dirs");
  CHECK_THAT(good, Catch::StartsWith("0\ndirectory "));
  const std::string id = to_string(uuid{1, 1});
  for (const auto& [text, code] : std::vector<std::pair<std::string, errc>>{
         {"1\n", errc::unsupported},
         {"0\ndirectory " + id, errc::corrupt},
         {"0\ndirectory " + id + " x\n", errc::corrupt},
         {"0\ndirectory short\n", errc::corrupt},
         {"0\ncounts " + id + "\n", errc::corrupt},
         {"0\ncounts " + id + " orders\n", errc::corrupt},
         {"0\nsomething else\n", errc::corrupt},
       }) {
    REQUIRE(replace_file(disk, "/a/millrace.log-dirs", text));
    const auto dirs = try_open(disk, two);
    REQUIRE_FALSE(dirs);
    CHECK(dirs.error().code == code);
    CHECK_THAT(dirs.error().context, Catch::Contains("millrace.log-dirs"));
  }
}
