// A partition that gets transactional batches, between a producer and a
// transaction front that the test plays.

#include "actors/partition.hpp"
#include "tests/actors/actor_fixture.hpp"
#include "tests/actors/played_front.hpp"
#include "tests/storage/transaction_recipes.hpp"

using namespace millrace;

namespace {

constexpr producer_id producer{500};
constexpr int16_t epoch = 3;

struct fixture : actor_fixture {
  caf::scoped_actor gateway{system};
  played_front front{*this};
  sync_planner_actor planner;
  partition_actor subject;

  fixture() {
    REQUIRE(make_directory_durable(disks.files, "/data/t-0").ok());
    planner = system.spawn([]() -> sync_planner_actor::behavior_type {
      return {[](sync_ask&) {}, [](gather_now) {}, [](sync_ran&) {}};
    });
    partition_registration registration;
    registration.epoch = leader_epoch{4};
    registration.leader = node_id{0};
    registration.replicas = registration.isr = {node_id{0}};
    subject = system.spawn(partition, &env,
      partition_options{.name = {"t", 0},
        .directory = "/data/t-0",
        .registration = registration,
        .node = node_id{0},
        .syncs = planner,
        .handles = std::make_shared<file_cache>(disks.files),
        .budget = std::make_shared<write_budget>(1 << 20),
        .transactions = front.actor});
    run();
  }

  ~fixture() {
    for (const auto& one : {caf::actor_cast<caf::strong_actor_ptr>(subject),
           caf::actor_cast<caf::strong_actor_ptr>(planner)})
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    run();
  }

  void send(produce_entry entry) {
    entry.acks = 1;
    produce_many message;
    message.entries.push_back(std::move(entry));
    gateway->send(subject, std::move(message));
    run();
  }
  void produce(uint64_t ticket, int32_t sequence,
    transaction_support support = transaction_support::adds_partitions,
    int16_t producer_epoch = epoch) {
    send({.ticket = ticket,
      .batch = make_transactional({.producer = producer,
        .producer_epoch = producer_epoch,
        .sequence = sequence}),
      .transactional_id = "x",
      .support = support});
  }
  void end(uint64_t ticket, leader_epoch leadership = leader_epoch{4},
    int16_t marker_epoch = epoch + 1) {
    send({.ticket = ticket,
      .batch = make_control_batch({producer, marker_epoch, true, 1}, 1000),
      .origin = append_origin::coordinator,
      .leadership = leadership});
  }
  void answer(kafka_error error) {
    REQUIRE_FALSE(front.checks.empty());
    front.answer(error);
    run();
  }

  /// Tickets with their errors, as answered since the last call.
  std::vector<std::pair<uint64_t, kafka_error>> answered() {
    std::vector<std::pair<uint64_t, kafka_error>> all;
    for (bool more = true; more;) {
      more = false;
      gateway->receive(
        [&](const produce_results& answers) {
          for (const auto& r : answers.results)
            all.emplace_back(r.ticket, r.error);
          more = true;
        },
        caf::after(std::chrono::milliseconds{0}) >> [] {});
    }
    return all;
  }
};

using answers = std::vector<std::pair<uint64_t, kafka_error>>;
constexpr auto fine = kafka_error::none;

} // namespace

TEST_CASE("a batch waits until the coordinator lets its transaction in",
  "[actors][partition_transactions]") {
  fixture f;
  f.produce(1, 0);
  CHECK(f.answered().empty());
  REQUIRE(f.front.checks.size() == 1);
  CHECK(f.front.checks[0].question.check
        == transaction_check{"x", producer, epoch, true, {{"t", 0}}});
  f.answer(fine);
  CHECK(f.answered() == answers{{1, fine}});
  // It is known here from now on.
  f.produce(2, 1);
  CHECK(f.front.checks.empty());
  CHECK(f.answered() == answers{{2, fine}});
  // Until it ends.
  f.end(3);
  CHECK(f.answered() == answers{{3, fine}});
  f.produce(4, 0, transaction_support::adds_partitions, epoch + 1);
  CHECK(f.front.checks.size() == 1);
}

TEST_CASE("what a producer sends behind a batch that waits, waits behind it",
  "[actors][partition_transactions]") {
  fixture f;
  f.produce(1, 0);
  f.produce(2, 1);
  f.produce(3, 2);
  CHECK(f.front.checks.size() == 1);
  f.answer(fine);
  CHECK(f.answered() == answers{{1, fine}, {2, fine}, {3, fine}});
}

TEST_CASE("a client is told what it understands of a refusal",
  "[actors][partition_transactions]") {
  using enum transaction_support;
  fixture f;
  f.produce(1, 0, fatal_errors);
  CHECK_FALSE(f.front.checks[0].question.check.adds);
  f.answer(kafka_error::transaction_abortable);
  f.produce(2, 0, abortable_errors);
  f.answer(kafka_error::transaction_abortable);
  f.produce(3, 0, abortable_errors);
  f.answer(kafka_error::concurrent_transactions);
  f.produce(4, 0, adds_partitions);
  f.answer(kafka_error::concurrent_transactions);
  f.produce(5, 0, adds_partitions);
  f.answer(kafka_error::producer_fenced);
  f.produce(6, 0, adds_partitions);
  f.answer(kafka_error::network_exception);
  CHECK(f.answered()
        == answers{{1, kafka_error::invalid_txn_state},
          {2, kafka_error::transaction_abortable},
          {3, kafka_error::not_enough_replicas},
          {4, kafka_error::concurrent_transactions},
          {5, kafka_error::invalid_producer_epoch},
          {6, kafka_error::not_enough_replicas}});
}

TEST_CASE("what the log fences is not asked of the coordinator",
  "[actors][partition_transactions]") {
  fixture f;
  f.produce(1, 0);
  f.answer(fine);
  f.end(2);
  f.produce(3, 1);
  CHECK(f.front.checks.empty());
  CHECK(
    f.answered()
    == answers{{1, fine}, {2, fine}, {3, kafka_error::invalid_producer_epoch}});
  f.produce(4, 0, transaction_support::adds_partitions, epoch + 1);
  CHECK(f.front.checks.size() == 1);
}

TEST_CASE("a marker ends what the coordinator's word was about (R28)",
  "[actors][partition_transactions]") {
  fixture f;
  f.produce(1, 0);
  f.end(2);
  CHECK(f.answered() == answers{{2, fine}});
  f.answer(fine);
  CHECK(f.answered() == answers{{1, kafka_error::transaction_abortable}});
}

TEST_CASE("the marker of the transaction before ends nothing that waits",
  "[actors][partition_transactions]") {
  constexpr auto here = leader_epoch{4};
  fixture f;
  // Version 2: that marker has the epoch of the transaction after it.
  f.produce(1, 0);
  f.end(2, here, epoch);
  f.answer(fine);
  CHECK(f.answered() == answers{{2, fine}, {1, fine}});
  // Version 1: the epoch stays, and nothing waits before that marker is there.
  fixture g;
  g.produce(1, 0, transaction_support::abortable_errors);
  g.end(2, here, epoch);
  g.answer(fine);
  CHECK(g.answered()
        == answers{{2, fine}, {1, kafka_error::transaction_abortable}});
}

TEST_CASE("a marker for another leadership is not written",
  "[actors][partition_transactions]") {
  fixture f;
  f.end(1, leader_epoch{3});
  f.end(2, leader_epoch{5});
  f.end(3, no_leader_epoch);
  CHECK(f.answered()
        == answers{{1, kafka_error::not_leader_or_follower},
          {2, kafka_error::not_leader_or_follower}, {3, fine}});
}
