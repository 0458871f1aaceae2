#include "cluster/telemetry_metrics.hpp"

#include <catch2/catch.hpp>
#include <protozero/pbf_writer.hpp>

#include <random>

namespace millrace {

namespace {

// By the numbers of opentelemetry/proto/metrics/v1/metrics.proto.
std::string label(const std::string& key, const std::string& value) {
  std::string any;
  protozero::pbf_writer{any}.add_string(1, value);
  std::string pair;
  protozero::pbf_writer writer{pair};
  writer.add_string(1, key);
  writer.add_message(2, any);
  return pair;
}

std::string point(double value, const std::vector<std::string>& labels = {}) {
  std::string text;
  protozero::pbf_writer writer{text};
  writer.add_fixed64(3, 1'700'000'000);
  writer.add_double(4, value);
  for (const auto& pair : labels)
    writer.add_message(7, pair);
  return text;
}

std::string whole_point(int64_t value) {
  std::string text;
  protozero::pbf_writer{text}.add_sfixed64(6, value);
  return text;
}

std::string gauge(const std::string& name, const std::string& point) {
  std::string points;
  protozero::pbf_writer{points}.add_message(1, point);
  std::string metric;
  protozero::pbf_writer writer{metric};
  writer.add_string(1, name);
  writer.add_string(2, "what it is");
  writer.add_message(5, points);
  return metric;
}

std::string sum(const std::string& name, const std::string& point, bool delta) {
  std::string points;
  protozero::pbf_writer inner{points};
  inner.add_message(1, point);
  inner.add_enum(2, delta ? 1 : 2);
  inner.add_bool(3, true);
  std::string metric;
  protozero::pbf_writer writer{metric};
  writer.add_string(1, name);
  writer.add_message(7, points);
  return metric;
}

std::string data(const std::vector<std::string>& metrics,
  const std::vector<std::string>& attributes = {}) {
  std::string scope;
  for (const auto& metric : metrics)
    protozero::pbf_writer{scope}.add_message(2, metric);
  std::string resource;
  for (const auto& pair : attributes)
    protozero::pbf_writer{resource}.add_message(1, pair);
  std::string part;
  protozero::pbf_writer writer{part};
  writer.add_message(1, resource);
  writer.add_message(2, scope);
  std::string text;
  protozero::pbf_writer{text}.add_message(1, part);
  return text;
}

result<std::vector<telemetry_sample>> read(const std::string& text) {
  return read_telemetry(std::as_bytes(std::span{text}));
}

} // namespace

TEST_CASE(
  "gauges and sums are read with their labels", "[cluster][telemetry]") {
  const auto samples = read(data(
    {gauge("connections", point(2.5, {label("node", "1")})),
      sum("requests", whole_point(7), true), sum("bytes", point(9), false)},
    {label("rack", "r1")}));
  REQUIRE(samples.ok());
  REQUIRE(samples->size() == 3);
  CHECK((*samples)[0]
        == telemetry_sample{
          "connections", {{"node", "1"}, {"rack", "r1"}}, 2.5, false});
  CHECK(
    (*samples)[1] == telemetry_sample{"requests", {{"rack", "r1"}}, 7, true});
  CHECK_FALSE((*samples)[2].is_delta);
  CHECK(read("")->empty());
}

TEST_CASE("bytes that are no metrics are refused, or mean nothing",
  "[cluster][telemetry]") {
  CHECK_FALSE(read("\x0a\xff").ok());
  std::mt19937 random{1};
  const auto sound = data({gauge("a", point(1, {label("k", "v")}))});
  for (size_t size = 0; size < sound.size(); ++size)
    static_cast<void>(read(sound.substr(0, size)));
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = sound;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    static_cast<void>(read(bytes));
  }
}

TEST_CASE("few bytes do not become many samples", "[cluster][telemetry]") {
  std::string points;
  for (int i = 0; i < 300'000; ++i)
    protozero::pbf_writer{points}.add_message(1, std::string{});
  std::string metric;
  protozero::pbf_writer writer{metric};
  writer.add_string(1, "a");
  writer.add_message(5, points);
  const auto samples = read(data({metric}));
  REQUIRE(samples.ok());
  CHECK(samples->size() <= 10'000);
}

TEST_CASE(
  "what clients say adds up, until they are silent", "[cluster][telemetry]") {
  telemetry_metrics metrics;
  const telemetry_client client{{1, 2}, "c"};
  const std::vector<telemetry_sample> samples{
    {"g", {}, 5, false}, {"d", {{"k", "v"}}, 3, true}};
  metrics.add(client, samples, 1'000, 0);
  metrics.add(client, samples, 1'000, 1'000);
  const auto clients = metrics.clients(1'500);
  REQUIRE(clients.size() == 1);
  const auto& all = clients.begin()->second.all;
  REQUIRE(all.size() == 2);
  for (const auto& [id, series] : all)
    CHECK(series.value == (series.is_counter ? 6 : 5));
  CHECK(metrics.clients(3'999).size() == 1);
  CHECK(metrics.clients(4'000).empty());
  metrics.remove({1, 2});
  CHECK(metrics.clients(1'500).empty());
}

TEST_CASE("clients and their series are bounded", "[cluster][telemetry]") {
  telemetry_metrics metrics;
  std::vector<telemetry_sample> many;
  for (int i = 0; i < 2'000; ++i)
    many.push_back({"m" + std::to_string(i), {}, 1, false});
  for (uint64_t i = 0; i < telemetry_metrics::clients_max + 10; ++i)
    metrics.add({{1, i}, "c"}, {many.begin(), many.begin() + 1}, 1'000, 0);
  CHECK(metrics.clients(1).size() == telemetry_metrics::clients_max);
  metrics.add({{1, 0}, "c"}, many, 1'000, 0);
  CHECK(
    metrics.clients(1).at({1, 0}).all.size() == telemetry_metrics::series_max);
}

} // namespace millrace
