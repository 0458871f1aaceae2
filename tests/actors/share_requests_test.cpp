// ShareFetch and ShareAcknowledge at a gateway, whose partition the test
// plays.

#include "actors/kafka/handlers.hpp"
#include "schema/kafka/share_acknowledge.hpp"
#include "schema/kafka/share_fetch.hpp"
#include "tests/actors/gateway_fixture.hpp"

using namespace millrace;

namespace {

using fetch_request = kafka::share_fetch_request;
using fetch_response = kafka::share_fetch_response;
using acknowledge_request = kafka::share_acknowledge_request;
using acknowledge_response = kafka::share_acknowledge_response;
using error_codes = std::vector<int16_t>;

constexpr int16_t version = 2;
constexpr int8_t accepted = 1;
constexpr int8_t renewed = 4;

// Led by this node; by another one; by none.
const uuid here{topic_id.high, 1};
const uuid there{topic_id.high, 2};
const uuid offsets{topic_id.high, 4};

int16_t code_of(kafka_error error) {
  return static_cast<int16_t>(error);
}

fetch_request fetch_of(int32_t epoch, const std::vector<uuid>& topics = {}) {
  fetch_request request;
  request.group_id = "g";
  request.member_id = "m";
  request.share_session_epoch = epoch;
  request.max_wait_ms = 500;
  request.min_bytes = 1;
  request.max_bytes = 10'000;
  request.max_records = 100;
  for (const auto& id : topics) {
    request.topics.emplace_back().topic_id = id;
    request.topics.back().partitions.emplace_back();
  }
  return request;
}

template <class Request>
Request& with_acknowledgement(
  Request& request, int64_t first, int64_t last, int8_t type = accepted) {
  auto& batch = request.topics.back()
                  .partitions.back()
                  .acknowledgement_batches.emplace_back();
  batch = {first, last, {type}};
  return request;
}

acknowledge_request acknowledgement_of(
  int32_t epoch, const uuid& topic = here) {
  acknowledge_request request;
  request.group_id = "g";
  request.member_id = "m";
  request.share_session_epoch = epoch;
  request.topics.emplace_back().topic_id = topic;
  request.topics.back().partitions.emplace_back();
  return request;
}

struct fixture : gateway_fixture {
  uint64_t number = 0;

  /// The API is not in ApiVersions' list: a fetch that waits lends its place
  /// on the connection.
  template <class Request>
  void begin(request_handler handle, int16_t key, const Request& body) {
    auto waits = millrace::fetch_of("here");
    waits.max_wait_ms = INT32_MAX;
    send(kafka::api_key::fetch, 12, waits);
    partition->receive([](const fetch_asks&) {});
    kafka_writer writer;
    encode(writer, version, body);
    auto bytes = flatten(writer.finish());
    REQUIRE(bytes.ok());
    kafka_request request{.slot = {1, number++, key, version, correlation},
      .reader = kafka_reader{shared_bytes::copy_of(*bytes)}};
    request.header.api_version = version;
    const auto hub = core.lock();
    REQUIRE(hub != nullptr);
    REQUIRE(handle(*hub, request).ok());
    turn();
  }
  /// What the loop does after each message.
  void turn() {
    caf::anon_send(subject, data_ready{});
    run();
  }
  void fetch(const fetch_request& body) {
    begin(handle_share_fetch, 78, body);
  }
  void acknowledge(const acknowledge_request& body) {
    begin(handle_share_acknowledge, 79, body);
  }
  fetch_response fetched() {
    return gateway_fixture::take<fetch_response>(
      static_cast<kafka::api_key>(78), version);
  }
  acknowledge_response acknowledged() {
    return gateway_fixture::take<acknowledge_response>(
      static_cast<kafka::api_key>(79), version);
  }

  /// What the partition has been asked; there must be something.
  share_ask asked() {
    std::optional<share_ask> got;
    partition->receive(
      [&](share_ask& ask) {
        got = std::move(ask);
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    REQUIRE(got);
    return std::move(*got);
  }
  bool is_asked() {
    bool any = false;
    partition->receive(
      [&](const share_ask&) {
        any = true;
      },
      caf::after(std::chrono::milliseconds{0}) >> [] {});
    return any;
  }
  share_fetch_question asked_for_records(uint64_t& ticket) {
    auto ask = asked();
    CHECK(ask.group == "g");
    CHECK(ask.member == "m");
    ticket = ask.ticket;
    REQUIRE(std::holds_alternative<share_fetch_question>(ask.question));
    return std::get<share_fetch_question>(ask.question);
  }
  void give(uint64_t ticket, std::vector<share_acquired> acquired = {},
    kafka_error error = kafka_error::none) {
    share_answer answer;
    answer.ticket = ticket;
    answer.error = error;
    answer.acquired = std::move(acquired);
    caf::anon_send(subject, std::move(answer));
    run();
  }
  /// Opens a session of `here`, which has nothing.
  void open() {
    fetch(fetch_of(0, {here}));
    uint64_t ticket = 0;
    static_cast<void>(asked_for_records(ticket));
    give(ticket, {{{0}, {1}, 1}});
    CHECK(fetched().error_code == 0);
  }
};

} // namespace

TEST_CASE("a ShareFetch is answered with what its member has been given",
  "[actors][share_requests]") {
  fixture f;
  f.fetch(fetch_of(0, {here}));
  uint64_t ticket = 0;
  const auto want = f.asked_for_records(ticket);
  CHECK(want.wanted.records_max == 100);
  CHECK_FALSE(want.wanted.strict);
  CHECK(want.bytes_max == 10'000);
  CHECK_FALSE(f.has_answer());
  f.give(ticket, {{{5}, {9}, 1}, {{12}, {12}, 3}});
  const auto answer = f.fetched();
  CHECK(answer.error_code == 0);
  CHECK(answer.acquisition_lock_timeout_ms == 30'000);
  REQUIRE(answer.responses.size() == 1);
  CHECK(answer.responses[0].topic_id == here);
  const auto& p = answer.responses[0].partitions.at(0);
  CHECK(p.error_code == 0);
  REQUIRE(p.acquired_records.size() == 2);
  CHECK(p.acquired_records[1].first_offset == 12);
  CHECK(p.acquired_records[1].delivery_count == 3);
  // From now on the session knows what is fetched.
  f.fetch(fetch_of(1));
  static_cast<void>(f.asked_for_records(ticket));
  f.give(ticket, {{{13}, {13}, 1}});
  CHECK(f.fetched().responses.size() == 1);
}

TEST_CASE("a ShareFetch waits for records, and not for longer than it would",
  "[actors][share_requests]") {
  fixture f;
  f.fetch(fetch_of(0, {here}));
  uint64_t ticket = 0;
  CHECK(f.asked_for_records(ticket).wait_until_ms > 0);
  f.give(ticket);
  CHECK_FALSE(f.has_answer());
  caf::anon_send(f.subject, data_ready{{ticket}});
  f.run();
  static_cast<void>(f.asked_for_records(ticket));
  f.give(ticket); // somebody else was quicker
  f.pass(std::chrono::milliseconds{499});
  CHECK_FALSE(f.has_answer());
  f.pass(std::chrono::milliseconds{2});
  CHECK(f.fetched().responses.empty());
  CHECK_FALSE(f.is_asked());
}

TEST_CASE("a member waits with what is wrong here, and is told when it is late",
  "[actors][share_requests]") {
  fixture f;
  f.fetch(fetch_of(0, {here}));
  uint64_t ticket = 0;
  static_cast<void>(f.asked_for_records(ticket));
  f.give(ticket, {}, kafka_error::unknown_server_error);
  CHECK_FALSE(f.has_answer());
  f.pass(std::chrono::milliseconds{501});
  CHECK(f.fetched().responses.at(0).partitions.at(0).error_code
        == code_of(kafka_error::unknown_server_error));
}

TEST_CASE("what one partition gives the next one need not",
  "[actors][share_requests]") {
  fixture f;
  auto request = fetch_of(0, {here, offsets});
  request.max_records = 10;
  request.share_acquire_mode = 1;
  f.fetch(request);
  uint64_t ticket = 0;
  CHECK(f.asked_for_records(ticket).wanted.strict);
  CHECK_FALSE(f.is_asked());
  f.give(ticket, {{{0}, {3}, 1}});
  CHECK(f.asked_for_records(ticket).wanted.records_max == 6);
  f.give(ticket, {{{0}, {5}, 1}});
  CHECK(f.fetched().responses.size() == 2);
  // Another one begins.
  f.fetch(fetch_of(1));
  static_cast<void>(f.asked_for_records(ticket));
  f.give(ticket, {{{0}, {99}, 1}});
  const auto answer = f.fetched();
  REQUIRE(answer.responses.size() == 1);
  CHECK(answer.responses[0].topic_id == offsets);
  CHECK_FALSE(f.is_asked());
}

TEST_CASE("the bytes of several partitions are enough together",
  "[actors][share_requests]") {
  fixture f;
  auto request = fetch_of(0, {here, offsets});
  request.min_bytes = 100;
  f.fetch(request);
  for (int i = 0; i < 2; ++i) {
    uint64_t ticket = 0;
    CHECK(f.asked_for_records(ticket).wait_below_bytes == 100);
    share_answer little;
    little.ticket = ticket;
    little.bytes_there = 60;
    caf::anon_send(f.subject, std::move(little));
    f.run();
  }
  uint64_t ticket = 0;
  CHECK(f.asked_for_records(ticket).wait_below_bytes == 0);
  f.give(ticket, {{{0}, {0}, 1}});
  static_cast<void>(f.asked_for_records(ticket));
  f.give(ticket, {{{0}, {0}, 1}});
  CHECK(f.fetched().responses.size() == 2);
}

TEST_CASE("acknowledgements come with a ShareFetch, and its answer after them",
  "[actors][share_requests]") {
  fixture f;
  f.open();
  auto request = fetch_of(1, {here});
  f.fetch(with_acknowledgement(request, 0, 1));
  const auto first = f.asked();
  REQUIRE(std::holds_alternative<share_acknowledge_question>(first.question));
  const auto& batches
    = std::get<share_acknowledge_question>(first.question).batches;
  REQUIRE(batches.size() == 1);
  CHECK(batches[0].last == offset{1});
  uint64_t ticket = 0;
  static_cast<void>(f.asked_for_records(ticket));
  f.give(ticket, {{{2}, {2}, 1}});
  CHECK_FALSE(f.has_answer());
  f.give(first.ticket, {}, kafka_error::invalid_record_state);
  const auto answer = f.fetched();
  const auto& p = answer.responses.at(0).partitions.at(0);
  CHECK(p.error_code == 0);
  CHECK(p.acknowledge_error_code == code_of(kafka_error::invalid_record_state));
  CHECK(p.acquired_records.size() == 1);
}

TEST_CASE("who leads a partition is told to members that come elsewhere",
  "[actors][share_requests]") {
  fixture f;
  f.fetch(fetch_of(0, {there, uuid{9, 9}}));
  const auto answer = f.fetched();
  REQUIRE(answer.responses.size() == 2);
  const auto& p = answer.responses[0].partitions.at(0);
  CHECK(p.error_code == code_of(kafka_error::not_leader_or_follower));
  CHECK(p.current_leader.leader_id == 2);
  CHECK(p.current_leader.leader_epoch == 5);
  REQUIRE(answer.node_endpoints.size() == 1);
  CHECK(answer.node_endpoints[0].port == 9092);
  CHECK(answer.responses[1].partitions.at(0).error_code
        == code_of(kafka_error::unknown_topic_id));
}

TEST_CASE(
  "share requests that cannot be are refused", "[actors][share_requests]") {
  fixture f;
  const auto refused = [&](const fetch_request& request) {
    f.fetch(request);
    return f.fetched().error_code;
  };
  auto nobody = fetch_of(0, {here});
  nobody.member_id.reset();
  CHECK(refused(nobody) == code_of(kafka_error::invalid_request));
  auto no_group = fetch_of(0, {here});
  no_group.group_id.reset();
  CHECK(refused(no_group) == code_of(kafka_error::invalid_request));
  CHECK(refused(fetch_of(3)) == code_of(kafka_error::share_session_not_found));
  auto early = fetch_of(0, {here});
  CHECK(refused(with_acknowledgement(early, 0, 1))
        == code_of(kafka_error::invalid_request));
  auto renewal = fetch_of(1, {here});
  renewal.is_renew_ack = true; // and asks for records
  CHECK(refused(renewal) == code_of(kafka_error::invalid_request));
  f.open();
  CHECK(
    refused(fetch_of(2)) == code_of(kafka_error::invalid_share_session_epoch));
  f.acknowledge(acknowledgement_of(0));
  CHECK(f.acknowledged().error_code
        == code_of(kafka_error::invalid_share_session_epoch));
  CHECK_FALSE(f.is_asked());
}

TEST_CASE(
  "a lock is renewed by a request that says so", "[actors][share_requests]") {
  fixture f;
  f.open();
  auto request = acknowledgement_of(1);
  f.acknowledge(with_acknowledgement(request, 0, 1, renewed));
  CHECK(f.acknowledged().responses.at(0).partitions.at(0).error_code
        == code_of(kafka_error::invalid_request));
  request = acknowledgement_of(2);
  request.is_renew_ack = true;
  f.acknowledge(with_acknowledgement(request, 0, 1, renewed));
  const auto ask = f.asked();
  f.give(ask.ticket);
  const auto answer = f.acknowledged();
  CHECK(answer.responses.at(0).partitions.at(0).error_code == 0);
  CHECK(answer.acquisition_lock_timeout_ms == 30'000);
  // A fetch that does nothing else takes no records.
  auto fetch = fetch_of(3, {here});
  fetch.is_renew_ack = true;
  fetch.max_wait_ms = fetch.min_bytes = fetch.max_bytes = fetch.max_records = 0;
  f.fetch(with_acknowledgement(fetch, 0, 1, renewed));
  const auto renewal = f.asked();
  CHECK_FALSE(f.is_asked());
  f.give(renewal.ticket);
  CHECK(f.fetched().responses.size() == 1);
}

TEST_CASE("the end of a share session frees what its member holds",
  "[actors][share_requests]") {
  fixture f;
  f.open();
  SECTION("as it says so") {
    auto request = acknowledgement_of(-1);
    f.acknowledge(with_acknowledgement(request, 0, 0));
    const auto last = f.asked();
    CHECK_FALSE(f.is_asked()); // not before its last word is durable
    f.give(last.ticket);
    CHECK(f.acknowledged().error_code == 0);
  }
  SECTION("as it says so with a fetch") {
    f.fetch(fetch_of(-1));
    CHECK(f.fetched().error_code == 0);
  }
  SECTION("as its connection is gone") {
    caf::anon_send(f.subject, sim_disconnect{1});
    f.run();
  }
  const auto release = f.asked();
  CHECK(std::holds_alternative<share_release_question>(release.question));
  CHECK(release.group == "g");
  CHECK(release.member == "m");
}

TEST_CASE("a ShareAcknowledge elsewhere is told who leads",
  "[actors][share_requests]") {
  fixture f;
  f.open();
  auto request = acknowledgement_of(1, there);
  f.acknowledge(with_acknowledgement(request, 0, 0));
  const auto answer = f.acknowledged();
  const auto& p = answer.responses.at(0).partitions.at(0);
  CHECK(p.error_code == code_of(kafka_error::not_leader_or_follower));
  CHECK(p.current_leader.leader_id == 2);
  CHECK(answer.node_endpoints.size() == 1);
}
