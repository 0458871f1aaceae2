// Clients that are beyond a quota, as a gateway and they see it; time is
// virtual.

#include "schema/kafka/alter_client_quotas.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/describe_client_quotas.hpp"
#include "schema/kafka/metadata.hpp"
#include "tests/actors/gateway_fixture.hpp"

using namespace millrace;
using kafka::api_key;
using std::chrono::milliseconds;

namespace {

constexpr int16_t produce_version = 12;
constexpr int16_t fetch_version = 12;

/// A thread that works for so long whenever anybody looks.
struct busy_environment : sim_environment {
  using sim_environment::sim_environment;

  int64_t thread_time_ns() override {
    return worked_ns += step_ns;
  }

  int64_t step_ns = 0;
  int64_t worked_ns = 0;
};

struct fixture : gateway_fixture {
  using gateway_fixture::gateway_fixture;

  void set(quota_entity entity, const char* key, std::optional<double> value) {
    tell(quotas_changed{{{std::move(entity), {{key, value}}}}});
  }

  /// The partition appends what it is asked to; how many batches.
  size_t append() {
    std::vector<uint64_t> tickets;
    while (partition->has_next_message())
      partition->receive([&](const produce_many& asked) {
        for (const auto& entry : asked.entries)
          tickets.push_back(entry.ticket);
      });
    for (const auto ticket : tickets)
      caf::anon_send(subject, produce_results{{{.ticket = ticket}}});
    run();
    return tickets.size();
  }

  /// Sends a produce of about `bytes`; it may have to wait.
  void send_produce(size_t bytes, int16_t acks = -1,
    const std::string& client = "test", uint64_t connection = 1) {
    auto request = produce_to("here");
    request.acks = acks;
    request.topic_data[0].partition_data[0].records.bytes = batch_of(bytes);
    send(api_key::produce, produce_version, request, client, connection);
  }

  /// The throttle time of a produce that is let in at once.
  int32_t produce(
    size_t bytes, const std::string& client = "test", uint64_t connection = 1) {
    send_produce(bytes, -1, client, connection);
    REQUIRE(append() == 1);
    return take<kafka::produce_response>(api_key::produce, produce_version)
      .throttle_time_ms;
  }

  /// The answer to a fetch for which there are `bytes`.
  kafka::fetch_response fetch(
    size_t bytes, const kafka::fetch_request& request = fetch_of("here")) {
    send(api_key::fetch, fetch_version, request);
    auto found = asked_of_partition();
    found.bytes = bytes; // what matters of them; none are sent
    answer(std::move(found));
    return take<kafka::fetch_response>(api_key::fetch, fetch_version);
  }

  static shared_bytes batch_of(size_t bytes) {
    record_builder builder{compression_codec::none};
    record_view record;
    record.timestamp_ms = 1000;
    const std::string value(bytes, 'v');
    record.value = value;
    builder.add(record);
    auto made = builder.finish();
    REQUIRE(made.ok());
    return *made;
  }
};

const quota_entity clients_called_test{{quota_client_id, "test"}};

} // namespace

TEST_CASE("a producer that is faster than its quota comes down to it",
  "[actors][gateway][quotas]") {
  fixture f;
  constexpr double rate = 100'000;
  f.set(clients_called_test, producer_byte_rate, rate);
  constexpr int64_t run_ms = 120'000;
  constexpr size_t batch = 20'000;
  // It sends on whatever it is told: only what is read counts.
  f.send_produce(batch);
  int64_t sent = 0;
  int32_t longest = 0;
  for (int64_t now = 0; now < run_ms; now += 10) {
    while (f.append() == 1) {
      sent += batch;
      longest = std::max(longest,
        f.take<kafka::produce_response>(api_key::produce, produce_version)
          .throttle_time_ms);
      f.send_produce(batch);
    }
    f.pass(milliseconds{10});
  }
  const auto got = static_cast<double>(sent) / (run_ms / 1e3);
  CHECK(got > 0.8 * rate);
  CHECK(got < 1.2 * rate);
  CHECK(longest > 0);
  CHECK(f.counters->throttled_produces.get() > 0);
  CHECK(f.counters->mutes.get() > 0);
}

TEST_CASE("without a quota of theirs clients are not slowed",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set({{quota_client_id, "other"}}, producer_byte_rate, 1);
  f.set({{quota_user, "other"}}, producer_byte_rate, 1);
  for (int i = 0; i < 20; ++i)
    CHECK(f.produce(10'000) == 0);
}

TEST_CASE("a client beyond its quota is answered, told how long to wait, and "
          "then not read for so long (KIP-219)",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set(clients_called_test, producer_byte_rate, 1'000);
  // 10 s of the quota are free; 30 000 bytes are 20 s more.
  const auto wait_ms = f.produce(30'000);
  CHECK(wait_ms > 19'900);
  CHECK(wait_ms < 20'500);
  f.send(api_key::metadata, 12, kafka::metadata_request{});
  f.pass(milliseconds{wait_ms - 1});
  CHECK_FALSE(f.has_answer());
  f.pass(milliseconds{1});
  CHECK(f.has_answer());
}

TEST_CASE("the connections of one client share its quota, and others are not "
          "held up",
  "[actors][gateway][quotas]") {
  fixture f;
  caf::anon_send(f.subject, sim_connect{2});
  caf::anon_send(f.subject, sim_connect{3});
  f.run();
  f.set(clients_called_test, producer_byte_rate, 1'000);
  CHECK(f.produce(9'000) == 0);
  CHECK(f.produce(9'000, "test", 2) > 0);
  CHECK(f.produce(100'000, "other", 3) == 0);
}

TEST_CASE("the default user's quota is for everyone by himself, until it is "
          "taken away",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set({{quota_user, std::nullopt}}, producer_byte_rate, 1'000);
  const auto wait_ms = f.produce(30'000);
  CHECK(wait_ms > 0);
  f.set({{quota_user, std::nullopt}}, producer_byte_rate, std::nullopt);
  f.pass(milliseconds{wait_ms}); // what was begun ends
  CHECK(f.produce(30'000) == 0);
}

TEST_CASE("a produce without acks is held to the quota as well",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set(clients_called_test, producer_byte_rate, 1'000);
  f.send_produce(30'000, 0);
  CHECK(f.append() == 1);
  f.send_produce(10, 0);
  CHECK(f.append() == 0);
  f.pass(milliseconds{20'500});
  CHECK(f.append() == 1);
}

TEST_CASE("a fetch beyond the quota gets nothing and does not count, and gets "
          "its records after the wait",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set(clients_called_test, consumer_byte_rate, 1'000);
  CHECK(f.fetch(9'000).throttle_time_ms == 0);
  const auto refused = f.fetch(9'000);
  CHECK(refused.responses.empty());
  CHECK(refused.session_id == 0);
  CHECK(refused.error_code == 0);
  const auto wait_ms = refused.throttle_time_ms;
  CHECK(wait_ms > 7'000);
  CHECK(wait_ms < 8'500);
  // The first one is forgotten after eleven windows, and until then in the way.
  f.pass(milliseconds{wait_ms});
  const auto again = f.fetch(9'000);
  CHECK(again.throttle_time_ms == wait_ms);
  f.pass(milliseconds{wait_ms});
  const auto given = f.fetch(9'000);
  CHECK(given.throttle_time_ms == 0);
  CHECK(given.responses.size() == 1);
  CHECK(f.counters->throttled_fetches.get() == 2);
}

TEST_CASE("a fetch session that is told to wait goes on after it (KIP-227)",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set(clients_called_test, consumer_byte_rate, 1'000);
  auto request = fetch_of("here");
  request.session_epoch = 0;
  const auto begun = f.fetch(9'000, request);
  REQUIRE(begun.session_id != 0);
  request.session_id = begun.session_id;
  request.session_epoch = 1;
  const auto refused = f.fetch(9'000, request);
  CHECK(refused.session_id == begun.session_id);
  CHECK(refused.responses.empty());
  f.pass(milliseconds{12'000}); // longer than it was told
  request.session_epoch = 2;
  const auto given = f.fetch(9'000, request);
  CHECK(given.error_code == 0);
  CHECK(given.responses.size() == 1);
}

TEST_CASE("a session whose first fetch is refused leaves nothing behind",
  "[actors][gateway][quotas]") {
  fixture f{{{"max.incremental.fetch.session.cache.slots", "1"}}};
  f.set(clients_called_test, consumer_byte_rate, 1'000);
  CHECK(f.fetch(9'000).throttle_time_ms == 0);
  auto request = fetch_of("here");
  request.session_epoch = 0;
  const auto refused = f.fetch(9'000, request);
  CHECK(refused.session_id == 0);
  f.pass(milliseconds{12'000});                // longer than it was told
  CHECK(f.fetch(10, request).session_id != 0); // the only slot is free
}

TEST_CASE("records that are more than the quota ever allows are given to who "
          "has had none lately",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set(clients_called_test, consumer_byte_rate, 10);
  CHECK(f.fetch(9'000).responses.size() == 1);
  CHECK(f.fetch(9'000).throttle_time_ms > 0);
}

TEST_CASE("a fetch asks for no more than its quota lets through at once",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set(clients_called_test, consumer_byte_rate, 50);
  f.send(api_key::fetch, fetch_version, fetch_of("here"));
  f.partition->receive([&](const fetch_asks& asked) {
    CHECK(asked.asks.at(0).bytes_max == 500); // ten windows of it, not 1000
  });
}

TEST_CASE("request_percentage counts the work of every request, and holds "
          "nobody up for more than a window",
  "[actors][gateway][quotas]") {
  sim_disks disks{1};
  busy_environment busy{disks, 1, [] {
                          return int64_t{1000};
                        }};
  fixture f{{}, &busy};
  const auto ask = [&] {
    return f
      .ask<kafka::metadata_response>(
        api_key::metadata, 12, kafka::metadata_request{})
      .throttle_time_ms;
  };
  // Each request works for 20 ms before its answer: 2 % are 200 ms in 10 s.
  f.set(clients_called_test, request_percentage, 2);
  busy.step_ns = 10'000'000;
  int allowed = 0;
  while (ask() == 0)
    ++allowed;
  CHECK(allowed >= 8);
  CHECK(allowed <= 20);
  f.pass(milliseconds{1'000});
  busy.step_ns = 10'000'000'000;
  CHECK(ask() == 1'000);
  CHECK(f.counters->throttled_requests.get() == 2);
}

TEST_CASE("the controller's throttle time holds the client up, and it is told "
          "who asks (KIP-599)",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set(clients_called_test, controller_mutation_rate, 1);
  kafka::create_topics_request request;
  request.topics.push_back({.name = "new"});
  f.send(api_key::create_topics, 6, request);
  admin_answer answer;
  f.controller->receive([&](const admin_ask& asked) {
    answer.ticket = asked.ticket;
    CHECK(asked.client == quota_client{anonymous_user, "test"});
  });
  kafka::create_topics_response refused;
  refused.throttle_time_ms = 700;
  answer.reply = refused;
  caf::anon_send(f.subject, std::move(answer));
  f.run();
  CHECK(f.take<kafka::create_topics_response>(api_key::create_topics, 6)
          .throttle_time_ms
        == 700);
  f.send(api_key::metadata, 12, kafka::metadata_request{});
  f.pass(milliseconds{699});
  CHECK_FALSE(f.has_answer());
  f.pass(milliseconds{1});
  CHECK(f.has_answer());
}

TEST_CASE("an address that makes too many connections has the last ones "
          "closed after a while (KIP-612)",
  "[actors][gateway][quotas]") {
  fixture f;
  f.set({{quota_ip, "10.0.1.1"}}, connection_creation_rate, 1);
  for (uint64_t id = 10; id < 21; ++id)
    caf::anon_send(f.subject, sim_connect{id});
  f.run();
  // Ten seconds' worth are free; the eleventh is not read, then closed.
  f.send(
    api_key::metadata, 12, kafka::metadata_request{}, "test", uint64_t{20});
  CHECK_FALSE(f.has_answer());
  f.send(
    api_key::metadata, 12, kafka::metadata_request{}, "test", uint64_t{19});
  CHECK(f.has_answer());
  CHECK(f.closed.empty());
  f.pass(milliseconds{1'000});
  CHECK(f.closed == std::vector<uint64_t>{20});
  CHECK(f.counters->throttled_connections.get() == 1);
}

TEST_CASE("quotas are described by any node", "[actors][gateway][quotas]") {
  fixture f;
  f.set(clients_called_test, producer_byte_rate, 5);
  const auto all = f.ask<kafka::describe_client_quotas_response>(
    api_key::describe_client_quotas, 1,
    kafka::describe_client_quotas_request{});
  REQUIRE(all.entries.has_value());
  REQUIRE(all.entries->size() == 1);
  CHECK(all.entries->at(0).entity.at(0).entity_type == "client-id");
  CHECK(all.entries->at(0).values.at(0).value == 5);
}
