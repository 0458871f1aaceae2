#include "cluster/telemetry_subscription.hpp"

#include <catch2/catch.hpp>

namespace millrace {

namespace {

telemetry_client java_client() {
  return {{1, 2}, "orders-1", "apache-kafka-java", "4.3.1", "10.0.0.7", 5123};
}

telemetry_subscription all_of(const std::string& match) {
  return telemetry_subscription{{{"match", match}, {"metrics", "*"}}};
}

} // namespace

TEST_CASE("a subscription is for the clients that all its patterns match",
  "[cluster][telemetry]") {
  const auto client = java_client();
  CHECK(all_of("").is_for(client));
  CHECK(all_of("client_id=orders-.*").is_for(client));
  CHECK_FALSE(all_of("client_id=orders").is_for(client)); // as a whole
  CHECK(all_of("client_software_name=apache.*, client_software_version=4\\..*")
      .is_for(client));
  CHECK_FALSE(all_of("client_id=orders-1,client_source_port=1").is_for(client));
  CHECK(all_of("client_source_address=10\\.0\\..*,client_source_port=5123")
      .is_for(client));
  CHECK(all_of("client_instance_id=" + to_string(uuid{1, 2})).is_for(client));
}

TEST_CASE("what a subscription may say", "[cluster][telemetry]") {
  CHECK(fault_of_telemetry({}).empty());
  CHECK(fault_of_telemetry(
    {{"interval.ms", "100"}, {"metrics", "a,b"}, {"match", "client_id=.*"}})
      .empty());
  CHECK(fault_of_telemetry({{"interval.ms", "3600000"}}).empty());
  for (const auto* bad : {"99", "3600001", "x", "", "-1"})
    CHECK_FALSE(fault_of_telemetry({{"interval.ms", bad}}).empty());
  for (const auto* bad : {"client=x", "client_id", "=x", "client_id=("})
    CHECK_FALSE(fault_of_telemetry({{"match", bad}}).empty());
  CHECK(fault_of_telemetry({{"intervals", "1"}})
        == "Unknown client metrics configuration: intervals");
}

TEST_CASE("a client is asked for what all its subscriptions want",
  "[cluster][telemetry]") {
  std::map<std::string, telemetry_subscription> all;
  const auto client = java_client();
  const auto none = request_for(client, all);
  CHECK(none.metrics.empty());
  CHECK(none.interval_ms == 300'000);
  all.emplace("a",
    telemetry_subscription{{{"metrics", "x.y,x.z"}, {"interval.ms", "5000"}}});
  all.emplace(
    "b", telemetry_subscription{{{"metrics", "x.y"}, {"interval.ms", "1000"}}});
  all.emplace("c", telemetry_subscription{
                     {{"metrics", "other"}, {"match", "client_id=other"}}});
  const auto some = request_for(client, all);
  CHECK(some.metrics == std::vector<std::string>{"x.y", "x.z"});
  CHECK(some.interval_ms == 1000);
  CHECK(some.id != none.id);
  CHECK(request_for(client, all) == some);
  auto other = client;
  other.instance_id = {3, 4};
  CHECK(request_for(other, all).id != some.id);
  all.emplace("d", telemetry_subscription{{{"metrics", "*"}}});
  CHECK(request_for(client, all).metrics == std::vector<std::string>{""});
}

} // namespace millrace
