// The planner and its disk actors on CAF's test scheduler, with logs on the
// simulated disk.

#include "actors/disk.hpp"
#include "actors/sync_planner.hpp"
#include "actors/tell.hpp"
#include "storage/file_cache.hpp"
#include "tests/actors/actor_fixture.hpp"

using namespace millrace;

namespace {

struct fixture : actor_fixture {
  caf::scoped_actor asker{system};
  std::shared_ptr<file_cache> handles
    = std::make_shared<file_cache>(disks.files);
  std::vector<std::unique_ptr<partition_log>> logs;
  std::vector<disk_actor> workers;
  sync_planner_actor planner;

  explicit fixture(int log_count) {
    REQUIRE(make_directory_durable(disks.files, "/data").ok());
    auto volume = disks.files.open_volume("/data");
    REQUIRE(volume);
    const std::shared_ptr<volume_sync> shared = std::move(*volume);
    for (int i = 0; i < 2; ++i)
      workers.push_back(system.spawn(disk, &env, i == 0 ? shared : nullptr));
    planner = system.spawn(sync_planner, workers, shared);
    for (int i = 0; i < log_count; ++i) {
      const topic_partition name{"t", i};
      auto opened = partition_log::open({.files = &disks.files,
        .directory = "/data/" + to_string(name),
        .name = name,
        .log_start = offset{0},
        .now_ms = 1000,
        .handles = handles});
      REQUIRE(opened);
      logs.push_back(std::move(*opened));
    }
    run();
  }

  ~fixture() {
    caf::anon_send_exit(planner, caf::exit_reason::user_shutdown);
    for (const auto& worker : workers)
      caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
    run();
  }

  /// A record in each log, all to be synced; returns the syncs' outcomes.
  std::vector<bool> round() {
    for (size_t i = 0; i < logs.size(); ++i) {
      std::vector<append_item> items(1);
      items[0].batch = one_record();
      logs[i]->append(items, leader_epoch{1}, 1000);
      REQUIRE(items[0].error == kafka_error::none);
      asker->send(planner, sync_ask{i, logs[i]->begin_sync()});
    }
    run();
    std::vector<bool> outcomes(logs.size());
    for (size_t i = 0; i < logs.size(); ++i)
      asker->receive([&](sync_done& done) {
        outcomes[done.ticket] = done.outcome.ok();
        logs[done.ticket]->complete_sync(done.job, done.outcome);
      });
    return outcomes;
  }
};

} // namespace

TEST_CASE("logs that wait together are durable after one sync of the volume",
  "[actors][sync_planner]") {
  fixture f{10};
  f.round(); // names, and the leader epochs' files
  const auto before = f.disks.files.operation_count();
  CHECK(f.round() == std::vector<bool>(10, true));
  // Ten writes and one sync.
  CHECK(f.disks.files.operation_count() - before == 11);
  for (size_t i = 0; i < f.logs.size(); ++i) {
    CHECK(f.logs[i]->durable_end_offset() == offset{2});
    const auto path
      = "/data/t-" + std::to_string(i) + "/00000000000000000000.log";
    CHECK(f.disks.files.durable_content(path) == f.disks.files.content(path));
  }
}

TEST_CASE("new logs and their names are durable by it as well",
  "[actors][sync_planner]") {
  fixture f{3};
  f.round();
  f.disks.files.crash(crash_policy::lose_unsynced);
  const auto tree = f.disks.files.tree();
  for (int i = 0; i < 3; ++i)
    CHECK(std::find(tree.begin(), tree.end(),
            "/data/t-" + std::to_string(i) + "/00000000000000000000.log")
          != tree.end());
}

TEST_CASE(
  "a log that is alone is synced by its file", "[actors][sync_planner]") {
  fixture f{1};
  f.round();
  const auto before = f.disks.files.operation_count();
  CHECK(f.round() == std::vector<bool>{true});
  CHECK(f.disks.files.operation_count() - before == 2);
}

TEST_CASE("R6: after the volume's sync failed each log tells for itself",
  "[actors][sync_planner]") {
  fixture f{4};
  f.round();
  f.disks.files.fail_next_sync();
  const auto outcomes = f.round();
  // One file has lost its bytes; the others are durable.
  CHECK(std::count(outcomes.begin(), outcomes.end(), false) == 1);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const auto& log = *f.logs[i];
    CHECK(log.offline() == !outcomes[i]);
    CHECK(log.durable_end_offset() == offset{outcomes[i] ? 2 : 1});
  }
}

TEST_CASE("R6: a volume whose sync has failed is not asked again",
  "[actors][sync_planner]") {
  fixture f{4};
  f.round();
  f.disks.files.fail_at(f.disks.files.operation_count() + 5, errc::io_error);
  CHECK(f.round() == std::vector<bool>(4, true));
  const auto before = f.disks.files.operation_count();
  CHECK(f.round() == std::vector<bool>(4, true));
  // Four writes and four syncs.
  CHECK(f.disks.files.operation_count() - before == 8);
}
