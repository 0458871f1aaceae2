// Partitions and a compactor on a clock that the test moves; the disk is real
// enough to be compacted.

#include "actors/compactor.hpp"
#include "actors/partition.hpp"
#include "storage/record_reader.hpp"
#include "tests/actors/actor_fixture.hpp"

using namespace millrace;

namespace {

shared_bytes keyed(const std::string& key, const std::string& value) {
  record_builder builder;
  record_view record;
  record.timestamp_ms = 1000;
  record.key = key;
  record.value = value;
  builder.add(record);
  auto made = builder.finish();
  REQUIRE(made.ok());
  return *made;
}

struct fixture : actor_fixture {
  caf::scoped_actor gateway{system};
  std::shared_ptr<write_budget> budget
    = std::make_shared<write_budget>(1 << 20);
  std::shared_ptr<file_cache> handles
    = std::make_shared<file_cache>(disks.files);
  std::shared_ptr<node_status> status = std::make_shared<node_status>();
  std::vector<std::string> removed;
  sync_planner_actor planner;
  disk_actor disk;
  compactor_actor compacts;
  std::vector<partition_actor> partitions;

  explicit fixture(compactor_settings settings = {}) {
    // Syncs end at once.
    planner = system.spawn(
      [this](
        sync_planner_actor::pointer self) -> sync_planner_actor::behavior_type {
        return {
          [this, self](sync_ask& ask) {
            auto outcome = ask.job.run(disks.files);
            self->send(caf::actor_cast<partition_actor>(self->current_sender()),
              sync_done{ask.ticket, std::move(ask.job), std::move(outcome)});
          },
          [](gather_now) {},
          [](sync_ran&) {},
        };
      });
    disk = system.spawn([this]() -> disk_actor::behavior_type {
      return {
        [](sync_run&) {},
        [](const warm_ask&) {},
        [this](const remove_paths& ask) {
          removed.insert(removed.end(), ask.paths.begin(), ask.paths.end());
        },
      };
    });
    compacts = system.spawn(compactor, &env, status, settings);
    run();
  }

  ~fixture() {
    for (const auto& one : partitions)
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(compacts, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(planner, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(disk, caf::exit_reason::user_shutdown);
    run();
  }

  size_t start(int32_t index) {
    const auto directory = "/data/t-" + std::to_string(index);
    REQUIRE(make_directory_durable(disks.files, directory).ok());
    partition_settings settings;
    settings.log.compacted = true;
    settings.log.segment_bytes = 500;
    partition_registration registration;
    registration.epoch = leader_epoch{1};
    registration.leader = node_id{0};
    registration.replicas = registration.isr = {node_id{0}};
    partitions.push_back(system.spawn(partition, &env,
      partition_options{.name = {"t", index},
        .directory = directory,
        .settings = settings,
        .registration = registration,
        .node = node_id{0},
        .disk = disk,
        .syncs = planner,
        .handles = handles,
        .budget = budget,
        .compactor = compacts}));
    run();
    return partitions.size() - 1;
  }

  void produce(size_t which, const std::string& key, const std::string& value) {
    produce_many message;
    message.entries.push_back(
      {.ticket = 1, .batch = keyed(key, value), .acks = -1, .timeout_ms = -1});
    gateway->send(partitions[which], std::move(message));
    run();
    take<produce_results>();
  }

  /// Twenty values of one key, and one of another.
  void fill(size_t which) {
    for (int i = 0; i < 20; ++i)
      produce(which, "a", std::to_string(i));
    produce(which, "b", "x");
  }

  /// Each step sets the next one's timer.
  void pass_in_steps(int count) {
    for (int i = 0; i < count; ++i)
      pass(std::chrono::milliseconds{100});
  }

  void tick(size_t which) {
    gateway->send(partitions[which], partition_tick{false, true});
    run();
  }

  template <class Answer>
  std::optional<Answer> take() {
    std::optional<Answer> taken;
    gateway->receive(
      [&](Answer& answer) {
        taken = std::move(answer);
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    return taken;
  }

  std::string values(size_t which) {
    gateway->send(
      partitions[which], log_ask{0, ask_bytes{offset{0}, size_t{1} << 20}});
    run();
    auto answer = take<log_answer>();
    REQUIRE(answer);
    std::string all;
    REQUIRE(for_each_record(
      answer->bytes.span(), offset{0}, [&](const record_view& record) {
        all += std::string{*record.key} + std::string{*record.value} + " ";
      }).ok());
    return all;
  }
};

} // namespace

TEST_CASE("a log with a large dirty part is compacted when it is looked at",
  "[actors][compactor]") {
  fixture f;
  const auto t = f.start(0);
  f.fill(t);
  const auto before = f.values(t);
  f.tick(t);
  // 500 bytes are 7 batches: 14 to 20 are in the active segment.
  CHECK(f.values(t) == "a13 a14 a15 a16 a17 a18 a19 bx ");
  CHECK(before.size() > 60);
  CHECK(f.status->compaction().passes == 1);
  CHECK(
    f.status->compaction().bytes_written < f.status->compaction().bytes_read);
  // Nothing has come since.
  f.tick(t);
  CHECK(f.status->compaction().passes == 1);
  // What was replaced is unlinked later (R18).
  CHECK(f.removed.empty());
  f.pass(std::chrono::minutes{2});
  CHECK_FALSE(f.removed.empty());
}

TEST_CASE("compaction goes no faster than it may", "[actors][compactor]") {
  fixture f{
    {.map_bytes_max = 1 << 20, .chunk_bytes = 4096, .bytes_per_second = 1000}};
  const auto t = f.start(0);
  f.fill(t);
  f.tick(t);
  CHECK(f.status->compaction().passes == 0);
  const auto begun = f.status->compaction().bytes_read;
  CHECK(begun < 1000);
  f.pass_in_steps(10);
  CHECK(f.status->compaction().bytes_read < begun + 1600);
  // Two segments of some 500 bytes, read twice and written less.
  f.pass_in_steps(90);
  CHECK(f.status->compaction().passes == 1);
  CHECK(f.values(t) == "a13 a14 a15 a16 a17 a18 a19 bx ");
}

TEST_CASE("a partition that ends in the middle of its turn holds up no other",
  "[actors][compactor]") {
  fixture f{
    {.map_bytes_max = 1 << 20, .chunk_bytes = 4096, .bytes_per_second = 1000}};
  const auto first = f.start(0);
  const auto second = f.start(1);
  f.fill(first);
  f.fill(second);
  f.tick(first);
  f.tick(second);
  caf::anon_send_exit(f.partitions[first], caf::exit_reason::user_shutdown);
  f.run();
  f.pass_in_steps(300);
  CHECK(f.status->compaction().passes == 1);
  CHECK(f.values(second) == "a13 a14 a15 a16 a17 a18 a19 bx ");
}
