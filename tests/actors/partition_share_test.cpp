// A partition whose records share groups take, between a gateway and share
// coordinators that the test plays.

#include "actors/partition.hpp"
#include "storage/control_batch.hpp"
#include "tests/actors/played_front.hpp"
#include "tests/actors/played_shares.hpp"
#include "tests/storage/transaction_recipes.hpp"

using namespace millrace;

namespace {

constexpr auto fine = kafka_error::none;
constexpr uuid topic_id{4, 2};

using ranges = std::vector<share_acquired>;

share_acquired given(int64_t first, int64_t last, int16_t count = 1) {
  return {{first}, {last}, count};
}

shared_bytes batch_of(int records) {
  record_builder builder{compression_codec::none};
  for (int i = 0; i < records; ++i) {
    record_view record;
    record.timestamp_ms = 1000;
    record.value = "v";
    builder.add(record);
  }
  auto made = builder.finish();
  REQUIRE(made.ok());
  return *made;
}

struct fixture : actor_fixture {
  caf::scoped_actor gateway{system};
  played_shares shares{*this};
  played_front front{*this};
  sync_planner_actor planner;
  partition_actor subject;
  partition_registration registration;
  share_settings settings{.limits = {.lock_duration_ms = 1'000},
    .reset = share_offset_reset::earliest};

  fixture() {
    front.says = fine;
    REQUIRE(make_directory_durable(disks.files, "/data/t-0").ok());
    planner = system.spawn([]() -> sync_planner_actor::behavior_type {
      return {[](sync_ask&) {}, [](gather_now) {}, [](sync_ran&) {}};
    });
    registration.epoch = leader_epoch{4};
    registration.partition_epoch = 1;
    registration.leader = node_id{0};
    registration.replicas = registration.isr = {node_id{0}};
    subject = system.spawn(partition, &env,
      partition_options{.name = {"t", 0},
        .topic_id = topic_id,
        .directory = "/data/t-0",
        .settings = kept_by_system(),
        .registration = registration,
        .node = node_id{0},
        .syncs = planner,
        .handles = std::make_shared<file_cache>(disks.files),
        .budget = std::make_shared<write_budget>(1 << 20),
        .transactions = front.actor,
        .shares = shares.actor});
    run();
  }

  ~fixture() {
    for (const auto& one : {caf::actor_cast<caf::strong_actor_ptr>(subject),
           caf::actor_cast<caf::strong_actor_ptr>(planner)})
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    run();
  }

  static partition_settings kept_by_system() {
    partition_settings settings;
    settings.survives = partition_settings::durability::os;
    return settings;
  }

  void produce(
    shared_bytes batch, append_origin origin = append_origin::client) {
    produce_many message;
    message.entries.push_back({.batch = std::move(batch),
      .acks = 1,
      .origin = origin,
      .transactional_id = "x",
      .support = transaction_support::adds_partitions});
    gateway->send(subject, std::move(message));
    run();
    gateway->receive([](const produce_results& answers) {
      for (const auto& r : answers.results)
        REQUIRE(r.error == fine);
    });
  }
  void produce(int records) {
    produce(batch_of(records));
  }

  void ask(uint64_t ticket, const std::string& member, share_question what) {
    gateway->send(
      subject, share_ask{ticket, "g", member, settings, std::move(what)});
    run();
  }
  /// Asks for records, and waits for them as long as `wait_ms`.
  void fetch(uint64_t ticket, const std::string& member, int64_t wait_ms = 0,
    share_wanted wanted = {.records_max = 500}) {
    ask(ticket, member,
      share_fetch_question{.wanted = wanted,
        .bytes_max = 1 << 20,
        .wait_until_ms = wait_ms == 0 ? 0 : now() + wait_ms});
  }
  void acknowledge(uint64_t ticket, const std::string& member, int64_t first,
    int64_t last,
    share_acknowledge_type type = share_acknowledge_type::accept) {
    ask(ticket, member,
      share_acknowledge_question{
        {{{first}, {last}, {static_cast<int8_t>(type)}}}});
  }
  void leave(const std::string& member) {
    ask(0, member, share_release_question{});
  }
  int64_t now() {
    return monotonic_ms(*gateway);
  }

  /// The next answer; there must be one.
  share_answer answered() {
    std::optional<share_answer> got;
    gateway->receive(
      [&](share_answer& answer) {
        got = std::move(answer);
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    REQUIRE(got);
    return std::move(*got);
  }
  ranges records(uint64_t ticket) {
    auto answer = answered();
    CHECK(answer.ticket == ticket);
    CHECK(answer.error == fine);
    return answer.acquired;
  }
  bool silent() {
    bool any = false;
    gateway->receive(
      [&](const share_answer&) {
        any = true;
      },
      [&](const data_ready&) {
        any = true;
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    return !any;
  }
  /// The tickets of one data_ready; empty if there is none.
  std::vector<uint64_t> ready() {
    std::vector<uint64_t> tickets;
    gateway->receive(
      [&](const data_ready& message) {
        tickets = message.tickets;
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    return tickets;
  }

  /// The first fetch of a member finds nothing, as the state is read first.
  void join(const std::string& member) {
    fetch(1'000, member, 500);
    CHECK(records(1'000).empty());
    while (!ready().empty())
      ;
  }

  void lead(int32_t epoch, node_id leader = node_id{0}) {
    registration.epoch = leader_epoch{epoch};
    ++registration.partition_epoch;
    registration.leader = leader;
    gateway->send(
      subject, partition_assigned{registration, kept_by_system(), 1});
    run();
  }
};

} // namespace

TEST_CASE("a share group is read before its first member gets records",
  "[actors][partition_share]") {
  fixture f;
  f.produce(3);
  f.shares.holds = true;
  f.fetch(1, "a", 500);
  CHECK(f.records(1).empty());
  f.fetch(2, "b", 500);
  CHECK(f.records(2).empty());
  CHECK(f.shares.reads == 1);
  REQUIRE(f.shares.open.size() == 1);
  const auto& question = f.shares.open[0].what.question;
  CHECK(question.key.group_id == "g");
  CHECK(question.key.topic == topic_id);
  CHECK(std::get<share_state_question::read>(question.what).leader_epoch == 4);
  f.shares.answer();
  f.run();
  CHECK(f.ready() == std::vector<uint64_t>{1});
  CHECK(f.ready() == std::vector<uint64_t>{2});
  f.fetch(3, "a", 500);
  const auto answer = f.answered();
  CHECK(answer.acquired == ranges{given(0, 2)});
  CHECK(answer.bytes > 0);
  CHECK(answer.slices.size() == 1);
}

TEST_CASE("where a share group begins is as it is configured",
  "[actors][partition_share]") {
  fixture f;
  f.produce(3);
  SECTION("at the end") {
    f.settings.reset = share_offset_reset::latest;
    f.join("a");
    CHECK(f.shares.states["g"].start == offset{3});
  }
  SECTION("at the beginning") {
    f.join("a");
    CHECK(f.shares.states["g"].start == offset{0});
  }
  SECTION("so long ago") {
    f.settings.reset = share_offset_reset::by_duration;
    f.settings.reset_duration_ms = f.env.wall_clock_ms() - 1000;
    f.join("a");
    CHECK(f.shares.states["g"].start == offset{0});
  }
  SECTION("after all that is older") {
    f.settings.reset = share_offset_reset::by_duration;
    f.settings.reset_duration_ms = f.env.wall_clock_ms() - 1001;
    f.join("a");
    CHECK(f.shares.states["g"].start == offset{3});
  }
}

TEST_CASE("an acknowledgement is answered when it is durable",
  "[actors][partition_share]") {
  fixture f;
  f.produce(3);
  f.join("a");
  f.fetch(1, "a");
  CHECK(f.records(1) == ranges{given(0, 2)});
  f.shares.holds = true;
  f.shares.writes.clear();
  f.acknowledge(2, "a", 0, 1);
  CHECK(f.silent());
  // What comes meanwhile waits for the next write.
  f.acknowledge(3, "a", 2, 2);
  REQUIRE(f.shares.writes.size() == 1);
  CHECK(f.shares.writes[0].start == offset{2});
  CHECK(f.shares.writes[0].leader_epoch == 4);
  f.shares.answer();
  f.run();
  CHECK(f.answered().ticket == 2);
  REQUIRE(f.shares.writes.size() == 2);
  CHECK(f.shares.writes[1].start == offset{3});
  f.shares.answer();
  f.run();
  const auto last = f.answered();
  CHECK(last.ticket == 3);
  CHECK(last.error == fine);
}

TEST_CASE("what cannot be acknowledged is refused at once",
  "[actors][partition_share]") {
  fixture f;
  f.produce(3);
  f.acknowledge(1, "a", 0, 0);
  CHECK(f.answered().error == kafka_error::unknown_topic_or_partition);
  f.join("a");
  f.fetch(2, "a");
  CHECK(f.records(2) == ranges{given(0, 2)});
  f.acknowledge(3, "b", 0, 0);
  CHECK(f.answered().error == kafka_error::invalid_record_state);
  f.acknowledge(4, "a", 2, 3);
  CHECK(f.answered().error == kafka_error::invalid_request);
  f.settings.renews = false;
  f.acknowledge(5, "a", 0, 0, share_acknowledge_type::renew);
  CHECK(f.answered().error == kafka_error::invalid_record_state);
  f.settings.renews = true;
  f.acknowledge(6, "a", 0, 0, share_acknowledge_type::renew);
  CHECK(f.answered().error == fine);
}

TEST_CASE("a fetch that waits hears of new records, and of freed ones",
  "[actors][partition_share]") {
  fixture f;
  f.join("a");
  f.fetch(1, "a", 5'000);
  CHECK(f.records(1).empty());
  CHECK(f.silent());
  f.produce(2);
  CHECK(f.ready() == std::vector<uint64_t>{1});
  f.fetch(2, "a", 5'000);
  CHECK(f.records(2) == ranges{given(0, 1)});
  f.fetch(3, "b", 5'000);
  CHECK(f.records(3).empty());
  // The lock is over after a second.
  f.pass(std::chrono::milliseconds{990});
  CHECK(f.silent());
  f.pass(std::chrono::milliseconds{20});
  CHECK(f.ready() == std::vector<uint64_t>{3});
  f.fetch(4, "b", 5'000);
  CHECK(f.records(4) == ranges{given(0, 1, 2)});
  CHECK(f.shares.states["g"].batches.size() == 2);
  // Its member has gone.
  f.fetch(5, "a", 5'000);
  CHECK(f.records(5).empty());
  f.leave("b");
  CHECK(f.ready() == std::vector<uint64_t>{5});
}

TEST_CASE(
  "fewer bytes than are wanted are only counted", "[actors][partition_share]") {
  fixture f;
  f.produce(1);
  f.join("a");
  share_fetch_question want{.wanted = {.records_max = 10},
    .bytes_max = 1 << 20,
    .wait_below_bytes = 1'000,
    .wait_until_ms = f.now() + 100};
  f.ask(1, "a", want);
  const auto answer = f.answered();
  CHECK(answer.acquired.empty());
  CHECK(answer.bytes_there > 60);
  f.produce(1);
  CHECK(f.ready() == std::vector<uint64_t>{1});
  want.wait_below_bytes = 0;
  f.ask(2, "a", want);
  CHECK(f.records(2) == ranges{given(0, 1)});
}

TEST_CASE("the bytes of an answer are those that hold what is given",
  "[actors][partition_share]") {
  fixture f;
  for (int i = 0; i < 4; ++i)
    f.produce(2);
  f.join("a");
  f.fetch(1, "a", 0, {.records_max = 2});
  const auto first = f.answered();
  CHECK(first.acquired == ranges{given(0, 1)});
  f.fetch(2, "a", 0, {.records_max = 3, .strict = true});
  const auto second = f.answered();
  CHECK(second.acquired == ranges{given(2, 4)});
  CHECK(second.bytes == 2 * first.bytes);
  f.fetch(3, "a");
  const auto third = f.answered();
  CHECK(third.acquired == ranges{given(5, 7)});
  CHECK(third.bytes == 2 * first.bytes);
}

TEST_CASE("markers are given to nobody, and aborted records not to all",
  "[actors][partition_share]") {
  fixture f;
  const producer_id producer{500};
  f.shares.states["g"] = {.state_epoch = 1, .start = {0}};
  SECTION("to a group that reads what is committed") {
    f.settings.read_committed = true;
  }
  SECTION("to one that reads all") {}
  f.produce(make_transactional(
    {.producer = producer, .producer_epoch = 3, .sequence = 0}));
  f.fetch(1, "a");
  CHECK(f.records(1).empty());
  f.fetch(2, "a");
  const auto open = f.records(2);
  CHECK(open == (f.settings.read_committed ? ranges{} : ranges{given(0, 0)}));
  f.produce(make_control_batch({producer, 4, false, 1}, 1000),
    append_origin::coordinator);
  f.produce(1);
  f.fetch(3, "a");
  CHECK(f.records(3) == ranges{given(2, 2)});
}

TEST_CASE("a coordinator that is not there is asked again",
  "[actors][partition_share]") {
  fixture f;
  f.produce(1);
  f.shares.says = kafka_error::coordinator_load_in_progress;
  f.fetch(1, "a", 5'000);
  CHECK(f.records(1).empty());
  f.pass(std::chrono::milliseconds{101});
  CHECK(f.shares.reads == 2);
  f.shares.says = fine;
  f.pass(std::chrono::milliseconds{101});
  CHECK(f.ready() == std::vector<uint64_t>{1});
  f.fetch(2, "a");
  CHECK(f.records(2) == ranges{given(0, 0)});
  f.shares.says = kafka_error::not_coordinator;
  f.acknowledge(3, "a", 0, 0);
  const auto before = f.shares.writes.size();
  CHECK(f.silent());
  f.pass(std::chrono::milliseconds{101});
  CHECK(f.shares.writes.size() == before + 1);
  CHECK(f.shares.writes.back() == f.shares.writes[before - 1]);
  f.shares.says = fine;
  f.pass(std::chrono::milliseconds{201});
  CHECK(f.answered().error == fine);
  CHECK(f.shares.states["g"].start == offset{1});
}

TEST_CASE("a coordinator that stays away leaves the records with their member",
  "[actors][partition_share]") {
  fixture f;
  f.settings.limits.lock_duration_ms = 60'000;
  f.produce(1);
  f.join("a");
  f.fetch(1, "a");
  CHECK(f.records(1) == ranges{given(0, 0)});
  f.shares.says = kafka_error::coordinator_not_available;
  f.acknowledge(2, "a", 0, 0);
  for (int i = 0; i < 20; ++i)
    f.pass(std::chrono::milliseconds{1'001});
  CHECK(f.answered().error == kafka_error::coordinator_not_available);
  f.shares.says = fine;
  f.pass(std::chrono::milliseconds{1'001});
  f.acknowledge(3, "a", 0, 0);
  CHECK(f.answered().error == fine);
}

TEST_CASE("a share partition that another has written begins again",
  "[actors][partition_share]") {
  fixture f;
  f.produce(5);
  f.join("a");
  f.fetch(1, "a");
  CHECK(f.records(1) == ranges{given(0, 4)});
  f.shares.says = kafka_error::fenced_state_epoch;
  f.acknowledge(2, "a", 0, 0);
  CHECK(f.answered().error == kafka_error::not_leader_or_follower);
  // An administrator has moved it.
  f.shares.says = fine;
  f.shares.states["g"] = {.state_epoch = 9, .start = {3}};
  f.join("a");
  f.fetch(3, "a");
  CHECK(f.records(3) == ranges{given(3, 4)});
  f.acknowledge(4, "a", 3, 4);
  CHECK(f.answered().error == fine);
  CHECK(f.shares.writes.back().state_epoch == 9);
}

TEST_CASE("a share group whose state is refused is told why, once",
  "[actors][partition_share]") {
  fixture f;
  f.shares.says = kafka_error::group_id_not_found;
  f.fetch(1, "a", 500);
  CHECK(f.records(1).empty());
  CHECK(f.ready() == std::vector<uint64_t>{1});
  f.fetch(2, "a", 500);
  CHECK(f.answered().error == kafka_error::group_id_not_found);
  f.shares.says = fine;
  f.produce(1);
  f.join("a");
  f.fetch(3, "a");
  CHECK(f.records(3) == ranges{given(0, 0)});
}

TEST_CASE("with the leadership goes all that members hold",
  "[actors][partition_share]") {
  fixture f;
  f.produce(4);
  f.join("a");
  f.fetch(1, "a", 0, {.records_max = 2, .strict = true});
  CHECK(f.records(1) == ranges{given(0, 1)});
  f.acknowledge(2, "a", 0, 0);
  CHECK(f.answered().error == fine);
  f.shares.holds = true;
  f.acknowledge(3, "a", 1, 1);
  f.fetch(4, "b");
  CHECK(f.records(4) == ranges{given(2, 3)});
  f.fetch(5, "c", 500);
  CHECK(f.records(5).empty());
  f.lead(5, no_node);
  const auto lost = f.answered();
  CHECK(lost.ticket == 3);
  CHECK(lost.error == kafka_error::not_leader_or_follower);
  CHECK(f.ready() == std::vector<uint64_t>{5});
  f.fetch(6, "c");
  const auto refused = f.answered();
  CHECK(refused.error == kafka_error::not_leader_or_follower);
  CHECK(refused.current_epoch == leader_epoch{5});
  // The coordinator had got the word of the last leadership, or had not.
  f.shares.holds = false;
  f.shares.open.clear();
  f.lead(6);
  f.join("c");
  f.fetch(7, "c");
  CHECK(f.records(7) == ranges{given(1, 3)});
}

TEST_CASE("a share group that everybody has left is read anew",
  "[actors][partition_share]") {
  fixture f;
  f.produce(2);
  f.join("a");
  f.fetch(1, "a");
  CHECK(f.records(1) == ranges{given(0, 1)});
  f.leave("a");
  CHECK(f.shares.states["g"].batches.size() == 2);
  f.shares.states["g"] = {.state_epoch = 5, .start = {1}};
  f.join("b");
  CHECK(f.shares.reads == 2);
  f.fetch(2, "b");
  CHECK(f.records(2) == ranges{given(1, 1)});
}

TEST_CASE(
  "records that are deleted are not delivered", "[actors][partition_share]") {
  fixture f;
  f.produce(2);
  f.produce(2);
  f.join("a");
  f.gateway->send(
    f.subject, log_ask{1, ask_delete_records{.before = offset{2}}});
  f.run();
  f.gateway->send(f.subject, log_start_saved{offset{2}});
  f.run();
  f.fetch(2, "a");
  CHECK(f.records(2) == ranges{given(2, 3)});
}
