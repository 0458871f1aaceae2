// A partition whose log is copied while it is used, on a clock that the test
// moves.

#include "actors/log_mover.hpp"
#include "tests/actors/partition_host.hpp"

using namespace millrace;

namespace {

const topic_partition name{"t", 0};

struct fixture : partition_host {
  log_mover_actor mover;
  log_config log;

  explicit fixture(log_mover_settings settings = {}) {
    log.segment_bytes = 500;
    mover = system.spawn(log_mover, &env, settings);
    start(0, log);
  }
  ~fixture() {
    end(mover);
    run();
  }

  void fill(int count) {
    for (int i = 0; i < count; ++i)
      produce(0, "key", std::to_string(i));
  }

  std::string order_copy(int number = 1) {
    const auto directory = "/other/t-0." + std::to_string(number) + "-future";
    REQUIRE(make_directory_durable(disks.files, directory));
    gateway->send(mover,
      copy_log{name, caf::actor_cast<caf::strong_actor_ptr>(partitions[0]),
        directory, log});
    run();
    return directory;
  }

  /// Closes the log, and has the rest copied.
  copy_ended finish() {
    gateway->send(partitions[0], close_partition{true});
    run();
    gateway->send(
      mover, finish_copy{name, "/data/t-0", offset{0}, offset{0}, true});
    run();
    auto ended = last<copy_ended>();
    REQUIRE(ended);
    return *ended;
  }

  /// The last one of the kind; all others are passed over.
  template <class Answer>
  std::optional<Answer> last() {
    std::optional<Answer> found;
    bool more = true;
    while (more)
      gateway->receive(
        [&](Answer& answer) {
          found = std::move(answer);
        },
        caf::others >> [](caf::message_view&) -> caf::result<caf::message> {
          return caf::message{};
        },
        caf::after(std::chrono::milliseconds{0}) >>
          [&] {
            more = false;
          });
    return found;
  }

  std::string content(const std::string& directory) {
    std::string all;
    for (const auto& path : disks.files.tree())
      if (path.starts_with(directory + "/") && path.ends_with(".log"))
        all += disks.files.content(path);
    return all;
  }
};

} // namespace

TEST_CASE("a log is copied while it is used, and the rest when it is closed",
  "[actors][log_mover]") {
  fixture f;
  f.fill(20);
  const auto copy = f.order_copy();
  const auto told = f.last<copy_caught_up>();
  REQUIRE(told);
  CHECK(told->directory == copy);
  f.fill(7);
  const auto ended = f.finish();
  CHECK(ended.why.empty());
  CHECK(ended.end == offset{27});
  CHECK(f.content(copy) == f.content("/data/t-0"));
}

TEST_CASE("a copy grows no faster than it may", "[actors][log_mover]") {
  fixture f{{.bytes_per_second = 100}};
  f.fill(20);
  f.order_copy();
  const auto told = f.last<copy_progress>();
  REQUIRE(told);
  CHECK(told->end == offset{20});
  CHECK(told->size_bytes > 1000);
  // It goes on when so many bytes would have passed.
  const auto wait = std::chrono::milliseconds{told->size_bytes * 10};
  f.pass(wait - std::chrono::milliseconds{100});
  CHECK_FALSE(f.last<copy_caught_up>());
  f.pass(std::chrono::milliseconds{200});
  CHECK(f.last<copy_caught_up>());
}

TEST_CASE(
  "a log that begins later is copied from there", "[actors][log_mover]") {
  fixture f;
  f.fill(20);
  f.gateway->send(f.partitions[0], log_ask{1, ask_delete_records{offset{12}}});
  f.run();
  f.gateway->send(f.partitions[0], log_start_saved{offset{12}, true});
  f.run();
  const auto copy = f.order_copy();
  REQUIRE(f.last<copy_caught_up>());
  f.gateway->send(f.partitions[0], close_partition{true});
  f.run();
  f.gateway->send(
    f.mover, finish_copy{name, "/data/t-0", offset{12}, offset{20}, true});
  f.run();
  const auto ended = f.last<copy_ended>();
  REQUIRE(ended);
  CHECK(ended->why.empty());
  CHECK(ended->log_start == offset{12});
  CHECK(ended->end == offset{20});
}

TEST_CASE("what is not wanted any more ends, and the next one begins",
  "[actors][log_mover]") {
  fixture f;
  f.fill(3);
  const auto first = f.order_copy(1);
  REQUIRE(f.last<copy_caught_up>());
  const auto second = f.order_copy(2);
  CHECK_FALSE(f.last<copy_caught_up>()); // it waits for its turn
  f.gateway->send(f.mover, cancel_copy{name});
  f.run();
  const auto told = f.last<copy_caught_up>();
  REQUIRE(told);
  CHECK(told->directory == second);
  CHECK(f.finish().directory == second);
}

TEST_CASE("a copy that cannot be written is told of", "[actors][log_mover]") {
  fixture f;
  f.fill(10);
  f.disks.files.limit_space(0);
  const auto copy = f.order_copy();
  const auto ended = f.last<copy_ended>();
  REQUIRE(ended);
  CHECK(ended->directory == copy);
  CHECK_THAT(ended->why, Catch::Contains("space"));
}
