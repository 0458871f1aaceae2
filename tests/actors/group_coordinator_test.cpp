// A group coordinator whose log, image and clients the test plays.

#include "actors/group_coordinator.hpp"
#include "actors/tell.hpp"
#include "storage/batch_filter.hpp"
#include "storage/control_batch.hpp"
#include "storage/record_reader.hpp"
#include "tests/actors/actor_fixture.hpp"
#include "tests/actors/played_front.hpp"

#include <deque>

using namespace millrace;

namespace {

const uuid topic_id{0x4000, 1};
constexpr int64_t producer = 9;

struct fixture : actor_fixture {
  caf::scoped_actor log{system};
  caf::scoped_actor keeper{system};
  caf::scoped_actor client{system};
  played_front front{*this};
  group_coordinator_actor subject;
  /// What is in the log, and what the coordinator wants to be there.
  std::vector<shared_bytes> batches;
  int64_t log_end = 0;
  offset clean_until{0};
  std::deque<produce_entry> wanted;
  image_pairs image;
  uint64_t tickets = 0;

  fixture() {
    front.says = kafka_error::none;
  }
  ~fixture() {
    stop();
  }

  /// A coordinator that has yet to read its log.
  void spawn() {
    stop();
    wanted.clear();
    subject = system.spawn(group_coordinator, &env,
      group_coordinator_options{.topic_id = topic_id,
        .log = caf::actor_cast<partition_actor>(pointer(log)),
        .status = std::make_shared<node_status>(),
        .keeper = caf::actor_cast<image_keeper_actor>(pointer(keeper)),
        .transactions = front.actor});
    run();
    keeper->receive([](const image_ask&) {});
    caf::anon_send(subject, image);
    run();
  }
  /// Gives it all that it asks of the log.
  void load() {
    while (log->has_next_message())
      log->receive([this](const log_ask& ask) {
        const auto from = std::get<ask_bytes>(ask.question).from;
        log_answer answer;
        answer.ticket = ask.ticket;
        answer.log_start = offset{0};
        answer.high_watermark = answer.log_end = offset{log_end};
        answer.clean_until = clean_until;
        answer.bytes = bytes_from(from);
        caf::anon_send(subject, std::move(answer));
        run();
      });
  }
  void start() {
    spawn();
    load();
  }
  void stop() {
    if (subject)
      caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
    subject = nullptr;
    run();
  }

  static caf::strong_actor_ptr pointer(const caf::scoped_actor& actor) {
    return caf::actor_cast<caf::strong_actor_ptr>(actor);
  }

  shared_bytes bytes_from(offset from) const {
    std::vector<std::byte> all;
    for (const auto& batch : batches)
      if (batch_view{batch.span()}.last_offset() >= from)
        all.insert(all.end(), batch.span().begin(), batch.span().end());
    return shared_bytes::copy_of(
      {reinterpret_cast<const char*>(all.data()), all.size()});
  }

  /// What it has sent to its log since.
  void take_wanted() {
    while (log->has_next_message())
      log->receive([this](produce_many& message) {
        for (auto& entry : message.entries)
          wanted.push_back(std::move(entry));
      });
  }
  /// Ends the append at `at`; with none it is durable from now on.
  void end_append(kafka_error error = kafka_error::none, size_t at = 0) {
    take_wanted();
    REQUIRE(wanted.size() > at);
    auto entry = std::move(wanted[at]);
    wanted.erase(wanted.begin() + static_cast<ptrdiff_t>(at));
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

  uint64_t ask(int16_t version, group_question question) {
    client->send(subject, group_ask{++tickets, version, "client", "/127.0.0.1",
                            std::move(question)});
    run();
    return tickets;
  }
  template <class Response>
  Response answer(uint64_t ticket) {
    REQUIRE(client->has_next_message());
    Response response;
    client->receive([&](const group_answer& answered) {
      REQUIRE(answered.ticket == ticket);
      REQUIRE(std::holds_alternative<Response>(answered.reply));
      response = std::get<Response>(answered.reply);
    });
    return response;
  }

  uint64_t commit_in(const std::string& topic, int64_t offset) {
    kafka::txn_offset_commit_request request;
    request.group_id = "g";
    request.producer_id = producer;
    request.producer_epoch = 2;
    request.topics.push_back({topic, {{0, offset, -1, ""}}});
    return ask(5, std::move(request));
  }
  kafka_error commit_in_error(uint64_t ticket) {
    return static_cast<kafka_error>(
      answer<kafka::txn_offset_commit_response>(ticket)
        .topics.at(0)
        .partitions.at(0)
        .error_code);
  }
  uint64_t commit(const std::string& topic, int64_t offset) {
    kafka::offset_commit_request request;
    request.group_id = "g";
    request.topics.push_back(
      {.name = topic, .partitions = {{0, offset, -1, ""}}});
    return ask(8, std::move(request));
  }

  void mark(bool commit, uint64_t ticket = 77, int16_t epoch = 2) {
    produce_many message;
    message.entries.push_back({.ticket = ticket,
      .batch = make_control_batch({{producer}, epoch, commit, 0}, 1000),
      .acks = 1,
      .timeout_ms = 5});
    client->send(subject, std::move(message));
    run();
  }
  produce_result marked() {
    REQUIRE(client->has_next_message());
    produce_result result;
    client->receive([&](const produce_results& message) {
      REQUIRE(message.results.size() == 1);
      result = message.results[0];
    });
    return result;
  }

  /// The committed offset; -2 where it is not stable.
  int64_t stable(const std::string& topic) {
    kafka::offset_fetch_request request;
    request.require_stable = true;
    auto& group = request.groups.emplace_back();
    group.group_id = "g";
    group.topics.emplace().push_back({topic, {}, {0}});
    const auto response
      = answer<kafka::offset_fetch_response>(ask(9, std::move(request)));
    const auto& p = response.groups.at(0).topics.at(0).partitions.at(0);
    if (p.error_code
        == static_cast<int16_t>(kafka_error::unstable_offset_commit))
      return -2;
    return p.committed_offset;
  }

  /// Writes the image down, as the broker lets it now and then.
  void save() {
    caf::anon_send(subject, report_groups{});
    run();
    while (keeper->has_next_message())
      keeper->receive([this](const image_commit& commit) {
        for (const auto& write : commit.writes) {
          const auto key = write.key.substr(std::strlen("g/0/"));
          std::erase_if(image.pairs, [&](const auto& pair) {
            return pair.first == key;
          });
          if (write.value)
            image.pairs.emplace_back(key, *write.value);
        }
      });
  }
};

} // namespace

TEST_CASE(
  "R28: offsets of a transaction go out as one transactional batch, and "
  "count once its marker is durable",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  const auto ticket = f.commit_in("t", 7);
  f.take_wanted();
  REQUIRE(f.wanted.size() == 1);
  const auto batch = f.wanted[0].batch;
  const batch_view view{batch.span()};
  CHECK(view.is_transactional());
  CHECK_FALSE(view.is_control());
  CHECK(view.producer() == producer_id{producer});
  CHECK(view.producer_epoch() == 2);
  CHECK(view.base_sequence() == -1);
  CHECK(f.wanted[0].origin == append_origin::coordinator);
  CHECK(f.wanted[0].acks == -1);
  f.end_append();
  CHECK(f.commit_in_error(ticket) == kafka_error::none);
  CHECK(f.stable("t") == -2);

  f.mark(true);
  f.take_wanted();
  REQUIRE(f.wanted.size() == 1);
  // Whatever was asked for: it waits for all replicas, and without end.
  CHECK(f.wanted[0].acks == -1);
  CHECK(f.wanted[0].timeout_ms == -1);
  CHECK(f.wanted[0].origin == append_origin::coordinator);
  CHECK(f.stable("t") == -2);
  f.end_append();
  const auto done = f.marked();
  CHECK(done.ticket == 77);
  CHECK(done.error == kafka_error::none);
  CHECK(done.base_offset == offset{1});
  CHECK(f.stable("t") == 7);
}

TEST_CASE(
  "offsets wait until the coordinator of their transaction lets them in",
  "[actors][group_coordinator]") {
  fixture f;
  f.front.says.reset();
  f.start();
  auto ticket = f.commit_in("t", 7);
  f.take_wanted();
  CHECK(f.wanted.empty());
  REQUIRE(f.front.checks.size() == 1);
  CHECK(
    f.front.checks[0].question.check
    == transaction_check{"", {producer}, 2, true, {{"__consumer_offsets", 0}}});
  f.front.answer(kafka_error::none);
  f.run();
  f.end_append();
  CHECK(f.commit_in_error(ticket) == kafka_error::none);

  ticket = f.commit_in("t", 8);
  f.front.answer(kafka_error::transaction_abortable);
  f.run();
  CHECK(f.commit_in_error(ticket) == kafka_error::transaction_abortable);
  ticket = f.commit_in("t", 8);
  f.front.answer(kafka_error::not_coordinator);
  f.run();
  CHECK(f.commit_in_error(ticket) == kafka_error::coordinator_not_available);
  f.take_wanted();
  CHECK(f.wanted.empty());
}

TEST_CASE("offsets do not come in behind the end of their transaction (R28)",
  "[actors][group_coordinator]") {
  fixture f;
  f.front.says.reset();
  f.start();
  const auto ticket = f.commit_in("t", 7);
  f.mark(true, 77, 3);
  f.end_append();
  CHECK(f.marked().error == kafka_error::none);
  f.front.answer(kafka_error::none);
  f.run();
  CHECK(f.commit_in_error(ticket) == kafka_error::transaction_abortable);
  CHECK(f.stable("t") == -1);
}

TEST_CASE("a marker that the log refuses changes nothing, and its sender hears "
          "of it",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  const auto ticket = f.commit_in("t", 7);
  f.end_append();
  CHECK(f.commit_in_error(ticket) == kafka_error::none);
  f.mark(true);
  f.end_append(kafka_error::transaction_coordinator_fenced);
  const auto refused = f.marked();
  CHECK(refused.ticket == 77);
  CHECK(refused.error == kafka_error::transaction_coordinator_fenced);
  CHECK(f.stable("t") == -2);
}

TEST_CASE("a marker that was there already is acknowledged and moves nothing",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  const auto ticket = f.commit("t", 7);
  f.end_append();
  (void)f.answer<kafka::offset_commit_response>(ticket);
  f.mark(true);
  f.take_wanted();
  caf::anon_send(f.subject,
    produce_results{{produce_result{.ticket = f.wanted.at(0).ticket}}});
  f.run();
  CHECK(f.marked().error == kafka_error::none);
  f.save();
  f.start(); // from an image that covers one record, as it says
  CHECK(f.stable("t") == 7);
}

TEST_CASE("only ends of transactions are appended for others",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  for (const auto& batch : {one_record(), shared_bytes::copy_of("short")}) {
    produce_many message;
    message.entries.push_back({.ticket = 5, .batch = batch});
    f.client->send(f.subject, std::move(message));
    f.run();
    const auto refused = f.marked();
    CHECK(refused.ticket == 5);
    CHECK(refused.error == kafka_error::invalid_record);
  }
  CHECK_FALSE(f.log->has_next_message());
}

TEST_CASE("what a refused append said does not wait for one under way",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  const auto first = f.commit("t", 1);
  const auto second = f.commit_in("t", 2);
  f.take_wanted();
  f.end_append(kafka_error::invalid_producer_epoch, 1);
  CHECK(f.commit_in_error(second) == kafka_error::invalid_producer_epoch);
  f.end_append();
  CHECK(f.answer<kafka::offset_commit_response>(first)
          .topics.at(0)
          .partitions.at(0)
          .error_code
        == 0);
  CHECK(f.stable("t") == 1);
}

TEST_CASE("R28: a coordinator that starts knows open and ended transactions "
          "from its log",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  const auto done = [&](uint64_t ticket) {
    f.end_append();
    CHECK(f.commit_in_error(ticket) == kafka_error::none);
  };
  const auto end = [&](bool commit) {
    f.mark(commit);
    f.end_append();
    CHECK(f.marked().error == kafka_error::none);
  };
  done(f.commit_in("t", 7));
  end(true);
  done(f.commit_in("t", 8));
  done(f.commit_in("u", 9));
  end(false);
  f.save();
  done(f.commit_in("v", 10));
  const bool from_image = GENERATE(true, false);
  if (!from_image)
    f.image.pairs.clear();
  f.start();
  CHECK(f.stable("t") == 7);
  CHECK(f.stable("u") == -1);
  CHECK(f.stable("v") == -2);
  end(true);
  CHECK(f.stable("v") == 10);
}

TEST_CASE("R21, R28: an image in the middle of a transaction, and its marker "
          "from the log",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  const auto ticket = f.commit_in("t", 7);
  f.end_append();
  CHECK(f.commit_in_error(ticket) == kafka_error::none);
  f.save();
  f.mark(true);
  f.end_append();
  f.start();
  CHECK(f.marked().error == kafka_error::none);
  CHECK(f.stable("t") == 7);
  // The image that this coordinator saves holds the same.
  f.save();
  f.start();
  CHECK(f.stable("t") == 7);
}

TEST_CASE("R21: an image is not believed where compaction has been since",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  const auto ticket = f.commit_in("t", 7);
  f.end_append();
  CHECK(f.commit_in_error(ticket) == kafka_error::none);
  f.save();
  // Elsewhere it was aborted, and then nothing of it stayed.
  f.log_end = 10;
  f.clean_until = offset{10};
  const auto filler = make_filler(offset{0}, offset{9}, leader_epoch{1});
  f.batches = {shared_bytes::copy_of(
    {reinterpret_cast<const char*>(filler.data()), filler.size()})};
  f.start();
  CHECK(f.stable("t") == -1);
  f.save();
  f.start();
  CHECK(f.stable("t") == -1);
}

TEST_CASE("a marker that comes while the log is read waits, and so do topics "
          "that go",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  auto ticket = f.commit_in("t", 7);
  f.end_append();
  CHECK(f.commit_in_error(ticket) == kafka_error::none);
  ticket = f.commit_in("u", 8);
  f.end_append();
  CHECK(f.commit_in_error(ticket) == kafka_error::none);
  f.spawn();
  f.mark(true);
  caf::anon_send(f.subject, topics_gone{{"u"}});
  f.run();
  REQUIRE(f.log->has_next_message());
  f.log->receive([&](const log_ask& ask) {
    log_answer answer;
    answer.ticket = ask.ticket;
    answer.log_start = offset{0};
    answer.high_watermark = answer.log_end = offset{f.log_end};
    answer.bytes = f.bytes_from(offset{0});
    caf::anon_send(f.subject, std::move(answer));
    f.run();
  });
  f.take_wanted();
  REQUIRE(f.wanted.size() == 2);
  CHECK(batch_view{f.wanted[0].batch.span()}.is_control());
  f.end_append();
  f.end_append();
  CHECK(f.marked().error == kafka_error::none);
  CHECK(f.stable("t") == 7);
  CHECK(f.stable("u") == -1);
}

TEST_CASE("a marker of which nobody knows whether it is there is read from the "
          "log by the next coordinator",
  "[actors][group_coordinator]") {
  fixture f;
  f.start();
  const auto ticket = f.commit_in("t", 7);
  f.end_append();
  CHECK(f.commit_in_error(ticket) == kafka_error::none);
  f.mark(true);
  f.take_wanted();
  auto batch = f.wanted.at(0).batch;
  f.end_append(kafka_error::not_enough_replicas_after_append);
  CHECK(f.marked().error == kafka_error::not_enough_replicas_after_append);
  // It was, after all.
  patch_base_offset(batch.writable(), offset{f.log_end++});
  f.batches.push_back(batch);
  f.start();
  CHECK(f.stable("t") == 7);
}
