#include "actors/metrics_page.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

bool has_line(const std::string& page, const std::string& line) {
  return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

} // namespace

TEST_CASE("the metrics page has lag by group, topic and partition",
  "[actors][metrics_page]") {
  node_counters counters;
  node_status status;
  status.set({"orders", 2}, {offset{5}, offset{100}, 4096, false});
  status.set_groups(7, {{"billing", 3, {{{"orders", 2}, 40}}}});
  const auto page = metrics_page(counters, status, {}, node_id{0});
  CHECK(has_line(page,
    "kafka_topic_partition_current_offset{topic=\"orders\",partition=\"2\"} "
    "100"));
  CHECK(has_line(page,
    "kafka_topic_partition_oldest_offset{topic=\"orders\",partition=\"2\"} 5"));
  CHECK(
    has_line(page, "kafka_consumergroup_members{consumergroup=\"billing\"} 3"));
  // 100 - 40.
  CHECK(has_line(page,
    "kafka_consumergroup_lag{consumergroup=\"billing\",topic=\"orders\","
    "partition=\"2\"} 60"));
}

TEST_CASE("a group that is ahead of what was last heard of has no negative lag",
  "[actors][metrics_page]") {
  node_status status;
  status.set({"orders", 0}, {offset{0}, offset{10}, 0, false});
  status.set_groups(0, {{"g", 0, {{{"orders", 0}, 12}}}});
  CHECK(has_line(metrics_page({}, status, {}, node_id{0}),
    "kafka_consumergroup_lag{consumergroup=\"g\",topic=\"orders\","
    "partition=\"0\"} 0"));
}

TEST_CASE("bytes of a client in a label cannot forge a line",
  "[actors][metrics_page]") {
  node_status status;
  status.set_groups(0, {{"g\"} 1\nkafka_brokers 9\\", 1, {}}});
  CHECK(has_line(metrics_page({}, status, {}, node_id{0}),
    "kafka_consumergroup_members{consumergroup=\"g\\\"} 1\\nkafka_brokers "
    "9\\\\\"} 1"));
}

TEST_CASE("every family has its help and type before its samples",
  "[actors][metrics_page]") {
  const auto page = metrics_page({}, node_status{}, {}, node_id{3});
  CHECK(has_line(page, "# TYPE kafka_brokers gauge"));
  CHECK(has_line(page, "millrace_node_id 3"));
  CHECK(has_line(page,
    "kafka_network_requestmetrics_requests_total{request=\"Produce\"} 0"));
}
