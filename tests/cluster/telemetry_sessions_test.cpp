#include "cluster/telemetry_sessions.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

struct desk {
  desk() {
    sessions.set_subscriptions(
      {{"all", {{"metrics", "*"}, {"interval.ms", "1000"}}}});
  }

  telemetry_sessions sessions;
  telemetry_client client{{1, 2}, "c"};
  int64_t now_ms = 10'000;

  kafka::get_telemetry_subscriptions_response ask() {
    return sessions.ask(client, 1'000, now_ms);
  }
  kafka_error ask_error() {
    return static_cast<kafka_error>(ask().error_code);
  }
  kafka_error push(int32_t subscription, bool terminating = false,
    int8_t compression = 0, size_t size = 10) {
    kafka::push_telemetry_request request;
    request.subscription_id = subscription;
    request.terminating = terminating;
    request.compression_type = compression;
    request.metrics.assign(size, 'x');
    return sessions.push(client, request, 1'000, now_ms);
  }
};

} // namespace

TEST_CASE(
  "a client asks, and pushes once in each interval", "[cluster][telemetry]") {
  desk d;
  const auto asked = d.ask();
  CHECK(asked.error_code == 0);
  CHECK(asked.client_instance_id == uuid{1, 2});
  CHECK(asked.push_interval_ms == 1'000);
  CHECK(asked.telemetry_max_bytes == 1'000);
  CHECK(asked.delta_temporality);
  CHECK(asked.accepted_compression_types == std::vector<int8_t>{4, 3, 1, 2});
  CHECK(asked.requested_metrics == std::vector<std::string>{""});
  const auto id = asked.subscription_id;
  d.now_ms += 500;
  CHECK(d.push(id) == kafka_error::none); // the first one at any time
  d.now_ms += 999;
  CHECK(d.push(id) == kafka_error::throttling_quota_exceeded);
  d.now_ms += 1;
  CHECK(d.push(id) == kafka_error::none);
  CHECK(d.ask_error() == kafka_error::throttling_quota_exceeded);
  d.now_ms += 1'000;
  CHECK(d.ask_error() == kafka_error::none);
}

TEST_CASE("what may not be pushed", "[cluster][telemetry]") {
  desk d;
  const auto id = d.ask().subscription_id;
  CHECK(d.push(id + 1) == kafka_error::unknown_subscription_id);
  CHECK(d.ask_error() == kafka_error::none); // it may ask anew at once
  CHECK(d.ask_error() == kafka_error::throttling_quota_exceeded);
  d.now_ms += 1'000;
  CHECK(d.push(id, false, 9) == kafka_error::unsupported_compression_type);
  d.now_ms += 1'000;
  CHECK(d.push(id, false, 0, 1'001) == kafka_error::telemetry_too_large);
  d.client.instance_id = {};
  CHECK(d.push(id) == kafka_error::invalid_request);
}

TEST_CASE(
  "a client that ends may push at any time, once", "[cluster][telemetry]") {
  desk d;
  const auto id = d.ask().subscription_id;
  CHECK(d.push(id) == kafka_error::none);
  CHECK(d.push(id, true) == kafka_error::none);
  d.now_ms += 5'000;
  CHECK(d.push(id) == kafka_error::invalid_request);
}

TEST_CASE("a change of subscriptions reaches clients with what they do next",
  "[cluster][telemetry]") {
  desk d;
  const auto id = d.ask().subscription_id;
  d.sessions.set_subscriptions({{"one", {{"metrics", "x"}}}});
  CHECK(d.push(id) == kafka_error::unknown_subscription_id);
  const auto again = d.ask();
  CHECK(again.error_code == 0);
  CHECK(again.requested_metrics == std::vector<std::string>{"x"});
  CHECK(
    d.push(again.subscription_id) == kafka_error::throttling_quota_exceeded);
}

TEST_CASE(
  "clients are forgotten, the longest unused first", "[cluster][telemetry]") {
  desk d;
  for (uint64_t i = 0; i < telemetry_sessions::clients_max + 100; ++i) {
    d.client.instance_id = {5, i};
    CHECK(d.ask_error() == kafka_error::none);
  }
  CHECK(d.sessions.size() == telemetry_sessions::clients_max);
}

} // namespace millrace
