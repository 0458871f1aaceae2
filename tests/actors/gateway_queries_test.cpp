// What a gateway makes of requests before it asks anybody.

#include "schema/kafka/add_partitions_to_txn.hpp"
#include "schema/kafka/list_offsets.hpp"
#include "tests/actors/gateway_fixture.hpp"

using namespace millrace;
using kafka::api_key;

namespace {

using fixture = gateway_fixture;

kafka_error error_of(int16_t code) {
  return static_cast<kafka_error>(code);
}

} // namespace

TEST_CASE("open transactions hide nothing from who looks for faults",
  "[actors][gateway][queries]") {
  const auto read_committed = [](int32_t replica, int8_t isolation) {
    fixture f;
    kafka::list_offsets_request request;
    request.replica_id = replica;
    request.isolation_level = isolation;
    auto& t = request.topics.emplace_back();
    t.name = "here";
    t.partitions.push_back({.partition_index = 0, .timestamp = -1});
    f.send(api_key::list_offsets, 7, request);
    bool asked = false;
    f.partition->receive([&](const log_ask& ask) {
      asked = std::get<ask_offset_by_time>(ask.question).read_committed;
    });
    return asked;
  };
  CHECK(read_committed(-1, 1));
  CHECK_FALSE(read_committed(-1, 0));
  CHECK_FALSE(read_committed(-2, 1));
}

TEST_CASE("a client adds no internal topic to its transaction",
  "[actors][gateway][queries]") {
  fixture f;
  kafka::add_partitions_to_txn_request request;
  request.v3_and_below_transactional_id = "t";
  request.v3_and_below_topics
    = {{"here", {0}}, {offsets_topic_name, {0, 99}}, {"here", {99}}};
  const auto refused = f.ask<kafka::add_partitions_to_txn_response>(
    api_key::add_partitions_to_txn, 3, request);
  const auto& results = refused.results_by_topic_v3_and_below;
  REQUIRE(results.size() == 3);
  const auto error = [&](size_t topic, size_t partition) {
    return error_of(
      results[topic].results_by_partition.at(partition).partition_error_code);
  };
  CHECK(error(0, 0) == kafka_error::operation_not_attempted);
  CHECK(error(1, 0) == kafka_error::topic_authorization_failed);
  CHECK(error(1, 1) == kafka_error::topic_authorization_failed);
  CHECK(error(2, 0) == kafka_error::unknown_topic_or_partition);
}
