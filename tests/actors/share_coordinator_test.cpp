// A share coordinator whose log and clients the test plays.

#include "actors/share_coordinator.hpp"
#include "actors/tell.hpp"
#include "storage/record_reader.hpp"
#include "tests/actors/actor_fixture.hpp"

#include <deque>

using namespace millrace;

namespace {

using question = share_state_question;

const share_partition_key orders_0{"g", {1, 2}, 0};

struct fixture : actor_fixture {
  caf::scoped_actor log{system};
  caf::scoped_actor client{system};
  share_coordinator_actor subject;
  std::vector<shared_bytes> batches; ///< in the log
  int64_t log_end = 0;
  std::deque<produce_entry> wanted; ///< to be in the log
  std::vector<offset> deletions;
  std::map<uint64_t, share_state_answer> answers;
  uint64_t tickets = 0;

  ~fixture() {
    stop();
  }

  static caf::strong_actor_ptr pointer(const caf::scoped_actor& actor) {
    return caf::actor_cast<caf::strong_actor_ptr>(actor);
  }

  /// A coordinator that has yet to read its log.
  void spawn(share_state_config config = {}) {
    stop();
    wanted.clear();
    subject = system.spawn(share_coordinator, &env,
      share_coordinator_options{.config = config,
        .log = caf::actor_cast<partition_actor>(pointer(log))});
    run();
  }
  void stop() {
    if (subject)
      caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
    subject = nullptr;
    run();
  }
  void start(share_state_config config = {}) {
    spawn(config);
    take_log();
  }
  shared_bytes bytes_from(offset from) const {
    std::string all;
    for (const auto& batch : batches)
      if (batch_view{batch.span()}.last_offset() >= from)
        all += batch.text();
    return shared_bytes::copy_of(all);
  }

  /// Answers what it has asked of its log since, but for appends.
  void take_log() {
    while (log->has_next_message())
      log->receive(
        [this](const log_ask& ask) {
          log_answer answer;
          answer.ticket = ask.ticket;
          answer.log_start = offset{0};
          answer.high_watermark = answer.log_end = offset{log_end};
          if (const auto* bytes = std::get_if<ask_bytes>(&ask.question))
            answer.bytes = bytes_from(bytes->from);
          else
            deletions.push_back(
              std::get<ask_delete_records>(ask.question).before);
          caf::anon_send(subject, std::move(answer));
          run();
        },
        [this](produce_many& message) {
          for (auto& entry : message.entries)
            wanted.push_back(std::move(entry));
        });
  }
  /// Ends the oldest append; with none it is durable from now on.
  void end_append(kafka_error error = kafka_error::none) {
    take_log();
    REQUIRE_FALSE(wanted.empty());
    auto entry = std::move(wanted.front());
    wanted.pop_front();
    CHECK(entry.acks == -1);
    produce_result r;
    r.ticket = entry.ticket;
    r.error = error;
    if (error == kafka_error::none) {
      r.base_offset = offset{log_end};
      patch_base_offset(entry.batch.writable(), r.base_offset);
      log_end += batch_view{entry.batch.span()}.record_count();
      batches.push_back(std::move(entry.batch));
    }
    caf::anon_send(subject, produce_results{{std::move(r)}});
    run();
  }

  uint64_t ask(question q) {
    client->send(subject, share_state_ask{++tickets, std::move(q)});
    run();
    return tickets;
  }
  const share_state_answer* answer(uint64_t ticket) {
    while (client->has_next_message())
      client->receive([this](share_state_result& result) {
        CHECK(answers.emplace(result.ticket, std::move(result.answer)).second);
      });
    const auto at = answers.find(ticket);
    return at == answers.end() ? nullptr : &at->second;
  }
  void initialize(const share_partition_key& key = orders_0) {
    const auto begun = ask({key, question::initialize{3, offset{10}}});
    end_append();
    REQUIRE(answer(begun));
    CHECK(answer(begun)->error == kafka_error::none);
  }
  share_partition_snapshot read(const share_partition_key& key = orders_0) {
    const auto ticket = ask({key, question::read{-1}});
    REQUIRE(answer(ticket));
    return answer(ticket)->state;
  }
};

} // namespace

TEST_CASE("a share coordinator answers what is durable, also after a restart",
  "[actors][share_coordinator]") {
  fixture f;
  f.start();
  const auto begun = f.ask({orders_0, question::initialize{3, offset{10}}});
  CHECK(f.answer(begun) == nullptr);
  f.end_append();
  REQUIRE(f.answer(begun));
  CHECK(f.answer(begun)->error == kafka_error::none);
  const auto written = f.ask({orders_0,
    question::write{3, 5, offset{11}, 1, {{offset{11}, offset{19}, 2, 1}}}});
  CHECK(f.answer(written) == nullptr);
  f.end_append();
  CHECK(f.answer(written)->error == kafka_error::none);
  const auto state = f.read();
  CHECK(state
        == share_partition_snapshot{
          3, 5, offset{11}, 1, {{offset{11}, offset{19}, 2, 1}}});
  f.start();
  CHECK(f.read() == state);
}

TEST_CASE("a share coordinator that reads its log makes others wait",
  "[actors][share_coordinator]") {
  fixture f;
  f.start();
  f.initialize();
  f.spawn();
  const auto early = f.ask({orders_0, question::read{-1}});
  CHECK(f.answer(early) == nullptr);
  f.take_log();
  REQUIRE(f.answer(early));
  CHECK(f.answer(early)->state.start == offset{10});
}

TEST_CASE("a share coordinator that cannot write says so and goes on",
  "[actors][share_coordinator]") {
  fixture f;
  f.start();
  const auto lost = f.ask({orders_0, question::initialize{3, offset{10}}});
  f.end_append(kafka_error::not_enough_replicas);
  REQUIRE(f.answer(lost));
  CHECK(f.answer(lost)->error == kafka_error::coordinator_not_available);
  f.initialize();
}

TEST_CASE("a share coordinator that does not know whether it has written ends",
  "[actors][share_coordinator]") {
  fixture f;
  f.start();
  f.client->monitor(f.subject);
  f.ask({orders_0, question::initialize{3, offset{10}}});
  f.end_append(kafka_error::request_timed_out);
  bool ended = false;
  while (f.client->has_next_message())
    f.client->receive(
      [&](const caf::down_msg&) {
        ended = true;
      },
      [](const share_state_result&) {});
  CHECK(ended);
}

TEST_CASE("the states of a topic that goes are deleted",
  "[actors][share_coordinator]") {
  fixture f;
  f.start();
  f.initialize();
  const auto tell = [&](int64_t version, std::vector<topic_view::topic> all) {
    caf::anon_send(f.subject, topics_known{std::make_shared<const topic_view>(
                                version, std::move(all))});
    f.run();
  };
  tell(1, {}); // a view of before the topic
  CHECK(f.read().start == offset{10});
  tell(2, {{"orders", orders_0.topic, 1}});
  tell(3, {});
  f.end_append();
  const auto gone = f.ask({orders_0, question::read{-1}});
  CHECK(f.answer(gone)->error == kafka_error::invalid_request);
}

TEST_CASE("what the log of a share coordinator need not have is deleted",
  "[actors][share_coordinator]") {
  fixture f;
  f.start({.updates_per_snapshot = 2});
  f.initialize();
  for (int64_t at = 10; at < 14; ++at) {
    f.ask({orders_0, question::write{3, 0, offset{at}, 0, {}}});
    f.end_append();
  }
  caf::anon_send(f.subject, share_state_timer{});
  f.run();
  f.take_log();
  // Every second write is a snapshot: the last of them is at offset 4.
  CHECK(f.deletions == std::vector<offset>{offset{4}});
}
