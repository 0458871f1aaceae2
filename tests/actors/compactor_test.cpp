// Partitions and a compactor on a clock that the test moves; the disk is real
// enough to be compacted.

#include "actors/compactor.hpp"
#include "tests/actors/partition_host.hpp"

using namespace millrace;

namespace {

struct fixture : partition_host {
  std::shared_ptr<node_status> status = std::make_shared<node_status>();

  explicit fixture(compactor_settings settings = {}) {
    compacts = system.spawn(compactor, &env, status, settings);
    run();
  }

  size_t start(int32_t index) {
    log_config log;
    log.compacted = true;
    log.segment_bytes = 500;
    return partition_host::start(index, log);
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
