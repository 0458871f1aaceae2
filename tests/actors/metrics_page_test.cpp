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

TEST_CASE(
  "each node tells what it leads, and lacks", "[actors][metrics_page]") {
  metadata_image image;
  for (const int32_t id : {1, 2, 3}) {
    broker_registered broker;
    broker.id = node_id{id};
    broker.broker_epoch = id;
    broker.fenced = id != 1;
    image.apply_part(broker);
  }
  const auto partition
    = [](int32_t number, node_id leader, std::vector<node_id> isr) {
        partition_registration p;
        p.index = number;
        p.replicas = {node_id{1}, node_id{2}};
        p.leader = leader;
        p.isr = std::move(isr);
        return p;
      };
  image.apply_part(topic_created{"orders", uuid{3, 3},
    {partition(0, node_id{1}, {node_id{1}, node_id{2}}),
      partition(1, node_id{1}, {node_id{1}}),
      partition(2, node_id{2}, {node_id{2}}),
      partition(3, no_node, {node_id{2}})},
    {}});
  node_status status;
  const auto value = [&](const char* name, int32_t node) {
    const auto page = metrics_page({}, status, image, node_id{node});
    const auto at = page.find("\n" + std::string{name} + " ");
    REQUIRE(at != std::string::npos);
    return std::stoi(page.substr(at + std::string{name}.size() + 2));
  };
  CHECK(value("kafka_server_replicamanager_partitioncount", 1) == 4);
  CHECK(value("kafka_server_replicamanager_partitioncount", 3) == 0);
  CHECK(value("kafka_server_replicamanager_leadercount", 1) == 2);
  CHECK(value("kafka_server_replicamanager_leadercount", 3) == 0);
  CHECK(value("kafka_server_replicamanager_underreplicatedpartitions", 1) == 1);
  CHECK(
    value("kafka_controller_kafkacontroller_offlinepartitionscount", 1) == 1);
  CHECK(value("kafka_controller_kafkacontroller_fencedbrokercount", 1) == 2);
  CHECK(value("kafka_controller_kafkacontroller_activebrokercount", 1) == 1);
  CHECK(
    value("kafka_controller_kafkacontroller_activecontrollercount", 1) == 0);
  CHECK(value("kafka_log_logmanager_offlinelogdirectorycount", 1) == 0);
  status.set_controls(true);
  status.set_failed_log_dirs(2);
  CHECK(
    value("kafka_controller_kafkacontroller_activecontrollercount", 1) == 1);
  CHECK(value("kafka_log_logmanager_offlinelogdirectorycount", 1) == 2);
}

TEST_CASE("every family has its help and type before its samples",
  "[actors][metrics_page]") {
  const auto page = metrics_page({}, node_status{}, {}, node_id{3});
  CHECK(has_line(page, "# TYPE kafka_brokers gauge"));
  CHECK(has_line(page, "millrace_node_id 3"));
  CHECK(has_line(page,
    "kafka_network_requestmetrics_requests_total{request=\"Produce\"} 0"));
}
