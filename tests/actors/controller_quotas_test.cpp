// Quotas as a group of real controllers keeps and counts them.

#include "tests/actors/metadata_group.hpp"

using namespace millrace;

namespace {

uint64_t ask_for_quota(
  metadata_group& group, int32_t asked, const char* key, double value) {
  kafka::alter_client_quotas_request request;
  auto& entry = request.entries.emplace_back();
  entry.entity.push_back({"client-id", "c"});
  entry.ops.push_back({key, value, false});
  return group.ask(asked, request);
}

kafka::create_topics_request topic_of(const char* name, int32_t partitions) {
  kafka::create_topics_request request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = partitions;
  topic.replication_factor = 1;
  return request;
}

} // namespace

TEST_CASE_METHOD(metadata_group,
  "quotas are the same on every node, and after a restart of all",
  "[actors][controller][quotas]") {
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  REQUIRE(leader() == 1);
  const auto ticket = ask_for_quota(*this, 2, producer_byte_rate, 1'000);
  const auto refused = ask_for_quota(*this, 3, producer_byte_rate, -1);
  pass_ms(100);
  using response = kafka::alter_client_quotas_response;
  REQUIRE(answer<response>(2, ticket) != nullptr);
  CHECK(answer<response>(2, ticket)->entries.at(0).error_code == 0);
  REQUIRE(answer<response>(3, refused) != nullptr);
  CHECK(answer<response>(3, refused)->entries.at(0).error_code
        == static_cast<int16_t>(kafka_error::invalid_request));
  const auto has_it = [&](int32_t n) {
    const auto quotas = image(n).quotas();
    return quotas != nullptr
           && quotas->find(producer_byte_rate, {"u", "c"})
                == quota_limit{1'000, std::nullopt, "c"};
  };
  for (const int32_t n : {1, 2, 3})
    CHECK(has_it(n));
  for (const int32_t n : {1, 2, 3})
    stop(n);
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  for (const int32_t n : {1, 2, 3})
    CHECK(has_it(n));
}

TEST_CASE_METHOD(metadata_group,
  "changes beyond a quota are refused by the controller that leads, whichever "
  "node they come by (KIP-599)",
  "[actors][controller][quotas]") {
  for (const int32_t n : {1, 2, 3})
    start(n);
  pass_ms(2000);
  REQUIRE(leader() == 1);
  ask_to_register(2);
  ask_for_quota(*this, 1, controller_mutation_rate, 1);
  pass_ms(100);
  const quota_client client{"u", "c"};
  // Eleven partitions are free, and one request may owe.
  const auto first = ask(2, topic_of("first", 12), client);
  pass_ms(100);
  const auto second = ask(3, topic_of("second", 1), client);
  const auto others = ask(3, topic_of("others", 1), quota_client{"u", "d"});
  const auto nodes = ask(3, topic_of("nodes", 1));
  pass_ms(100);
  CHECK(created(2, first) == kafka_error::none);
  CHECK(created(3, second) == kafka_error::throttling_quota_exceeded);
  const auto wait_ms
    = answer<kafka::create_topics_response>(3, second)->throttle_time_ms;
  CHECK(wait_ms > 700);
  CHECK(wait_ms <= 1'000);
  CHECK(created(3, others) == kafka_error::none);
  CHECK(created(3, nodes) == kafka_error::none);
  pass_ms(1'000);
  const auto third = ask(3, topic_of("third", 1), client);
  pass_ms(100);
  CHECK(created(3, third) == kafka_error::none);
}
