// A partition between a gateway, a planner and a disk that the test plays.

#include "actors/partition.hpp"
#include "tests/actors/actor_fixture.hpp"

using namespace millrace;

namespace {

struct fixture : actor_fixture {
  caf::scoped_actor gateway{system};
  std::shared_ptr<write_budget> budget = std::make_shared<write_budget>(1000);
  std::vector<sync_ask> syncs;
  std::vector<warm_ask> reads;
  caf::strong_actor_ptr waiting_for_bytes;
  sync_planner_actor planner;
  disk_actor disk;
  partition_actor subject;

  explicit fixture(const partition_settings& settings = {}) {
    REQUIRE(make_directory_durable(disks.files, "/data/t-0").ok());
    planner = system.spawn([this]() -> sync_planner_actor::behavior_type {
      return {
        [this](sync_ask& ask) {
          syncs.push_back(std::move(ask));
        },
        [](gather_now) {},
        [](sync_ran&) {},
      };
    });
    disk = system.spawn(
      [this](disk_actor::pointer self) -> disk_actor::behavior_type {
        return {
          [](sync_run&) {},
          [this, self](const warm_ask& ask) {
            waiting_for_bytes = self->current_sender();
            reads.push_back(ask);
          },
          [](const remove_paths&) {},
        };
      });
    partition_registration registration;
    registration.epoch = leader_epoch{1};
    registration.leader = node_id{0};
    registration.replicas = registration.isr = {node_id{0}};
    subject = system.spawn(partition, &env,
      partition_options{.name = {"t", 0},
        .directory = "/data/t-0",
        .settings = settings,
        .registration = registration,
        .node = node_id{0},
        .disk = disk,
        .syncs = planner,
        .handles = std::make_shared<file_cache>(disks.files),
        .budget = budget});
    run();
  }

  ~fixture() {
    for (const auto& one : {caf::actor_cast<caf::strong_actor_ptr>(subject),
           caf::actor_cast<caf::strong_actor_ptr>(planner),
           caf::actor_cast<caf::strong_actor_ptr>(disk)})
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    run();
  }

  void produce(uint64_t ticket, int16_t acks, int32_t timeout_ms) {
    produce_many message;
    message.entries.push_back({.ticket = ticket,
      .batch = one_record(),
      .acks = acks,
      .timeout_ms = timeout_ms});
    gateway->send(subject, std::move(message));
    run();
  }

  void finish_sync() {
    REQUIRE_FALSE(syncs.empty());
    auto ask = std::move(syncs.front());
    syncs.erase(syncs.begin());
    auto outcome = ask.job.run(disks.files);
    gateway->send(
      subject, sync_done{ask.ticket, std::move(ask.job), std::move(outcome)});
    run();
  }

  template <class Answers>
  std::optional<Answers> take() {
    std::optional<Answers> taken;
    gateway->receive(
      [&](Answers& answers) {
        taken = std::move(answers);
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    return taken;
  }
};

} // namespace

TEST_CASE("acks=all is answered in time, also when the disk does not answer",
  "[actors][partition]") {
  fixture f;
  f.produce(7, -1, 500);
  f.pass(std::chrono::milliseconds{400});
  CHECK_FALSE(f.take<produce_results>());
  f.pass(std::chrono::milliseconds{200});
  auto answers = f.take<produce_results>();
  REQUIRE(answers);
  REQUIRE(answers->results.size() == 1);
  CHECK(answers->results[0].ticket == 7);
  CHECK(answers->results[0].error == kafka_error::request_timed_out);
  CHECK(answers->results[0].base_offset == offset{-1});
  // The batch is in the log all the same, and nobody is answered twice.
  f.finish_sync();
  CHECK_FALSE(f.take<produce_results>());
  f.produce(8, 1, 500);
  answers = f.take<produce_results>();
  REQUIRE(answers);
  CHECK(answers->results[0].base_offset == offset{1});
}

TEST_CASE("what an answer waits for is chosen by millrace.durability (R9)",
  "[actors][partition]") {
  using durability = partition_settings::durability;
  struct wanted {
    durability survives;
    int16_t acks;
    bool waits;
  };
  for (const auto& one : std::vector<wanted>{{durability::fsync, 1, false},
         {durability::fsync, -1, true}, {durability::fsync_always, 1, true},
         {durability::fsync_always, -1, true}, {durability::os, 1, false},
         {durability::os, -1, false}}) {
    CAPTURE(static_cast<int>(one.survives), one.acks);
    fixture f{partition_settings{.survives = one.survives}};
    f.produce(7, one.acks, 500);
    auto answers = f.take<produce_results>();
    CHECK(answers.has_value() == !one.waits);
    if (one.waits) {
      f.finish_sync();
      answers = f.take<produce_results>();
    }
    REQUIRE(answers);
    CHECK(answers->results[0].error == kafka_error::none);
  }
}

TEST_CASE("each acks=all waits for its own time", "[actors][partition]") {
  fixture f;
  f.produce(1, -1, 1000);
  f.produce(2, -1, 300);
  f.produce(3, -1, -1);
  f.pass(std::chrono::milliseconds{400});
  // The timer was set for the first one's time; the second is late, but not
  // forgotten.
  f.pass(std::chrono::milliseconds{700});
  std::vector<uint64_t> late;
  while (auto answers = f.take<produce_results>())
    for (const auto& r : answers->results) {
      CHECK(r.error == kafka_error::request_timed_out);
      late.push_back(r.ticket);
    }
  std::sort(late.begin(), late.end());
  CHECK(late == std::vector<uint64_t>{1, 2});
  f.finish_sync();
  if (!f.syncs.empty())
    f.finish_sync();
  auto answers = f.take<produce_results>();
  REQUIRE(answers);
  CHECK(answers->results[0].ticket == 3);
  CHECK(answers->results[0].error == kafka_error::none);
}

TEST_CASE("bytes that are not in memory are read before they are sent",
  "[actors][partition]") {
  fixture f;
  f.produce(1, 1, 500);
  f.pass(std::chrono::milliseconds{60}); // the lazy sync (R8)
  f.finish_sync();
  while (f.take<produce_results>())
    continue;
  f.disks.files.run_short_of_memory();
  int warm = 0;
  int cold = 0;
  for (uint64_t ticket = 1; ticket <= 100; ++ticket) {
    fetch_asks message;
    message.asks.push_back(
      {.ticket = ticket, .from = offset{0}, .bytes_max = 1000});
    f.gateway->send(f.subject, std::move(message));
    f.run();
    auto answers = f.take<fetch_answers>();
    if (answers) {
      ++warm;
    } else {
      ++cold;
      REQUIRE(f.reads.size() == 1);
      CHECK(f.reads[0].slices.size() == 1);
      f.gateway->send(f.subject, warm_done{f.reads[0].ticket});
      f.reads.clear();
      f.run();
      answers = f.take<fetch_answers>();
    }
    REQUIRE(answers);
    CHECK(answers->answers[0].ticket == ticket);
    CHECK(answers->answers[0].bytes > 0);
  }
  CHECK(warm > 10);
  CHECK(cold > 3);
}

TEST_CASE("producers wait when too much is not on the disk yet",
  "[actors][partition]") {
  fixture f;
  // A batch has 69 bytes or so, and the log a quarter of 1000.
  int answered = 0;
  for (uint64_t ticket = 0; ticket < 20; ++ticket) {
    f.produce(ticket, 1, 500);
    while (auto answers = f.take<produce_results>())
      answered += static_cast<int>(answers->results.size());
  }
  CHECK(answered >= 3);
  CHECK(answered <= 5);
  CHECK(f.budget->dirty() <= 500);
  f.finish_sync();
  while (auto answers = f.take<produce_results>())
    answered += static_cast<int>(answers->results.size());
  CHECK(answered == 20);
  while (!f.syncs.empty())
    f.finish_sync();
  f.pass(std::chrono::milliseconds{60});
  while (!f.syncs.empty())
    f.finish_sync();
  CHECK(f.budget->dirty() == 0);
}
