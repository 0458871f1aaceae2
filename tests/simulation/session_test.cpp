#include "schema/kafka/api_versions.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/fetch.hpp"
#include "schema/kafka/header.hpp"
#include "schema/kafka/metadata.hpp"
#include "schema/kafka/produce.hpp"
#include "schema/kafka_error.hpp"
#include "simulation/sim_client.hpp"
#include "storage/record_builder.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using kafka::api_key;

namespace {

/// A node and one raw connection to it.
struct node_fixture {
  sim_world world{1};
  sim_node node{world, {}};
  sim_link link{world, node};
  std::string received;
  bool closed = false;
  uint64_t connection = 0;
  int32_t correlation = 0;

  node_fixture() {
    REQUIRE(node.boot().ok());
    connect();
  }

  void connect() {
    closed = false;
    received.clear();
    connection = link.connect(
      [this](std::string bytes) {
        received += bytes;
      },
      [this] {
        closed = true;
      });
  }

  /// Runs everything that happens within `ms` of virtual time.
  void run(int64_t ms) {
    node.run_for(ms * sim_ms);
  }

  template <class Request>
  int32_t send(api_key key, int16_t version, const Request& body) {
    kafka_writer writer;
    writer.begin_frame();
    encode(writer, kafka::request_header{static_cast<int16_t>(key), version,
                     ++correlation, "test"});
    encode(writer, version, body);
    auto bytes = flatten(writer.finish_frame());
    REQUIRE(bytes.ok());
    link.send(connection, *bytes);
    return correlation;
  }

  /// The frames that came so far, without their sizes.
  std::vector<std::string> take_frames() {
    std::vector<std::string> frames;
    while (received.size() >= 4) {
      uint32_t size = 0;
      for (size_t i = 0; i < 4; ++i)
        size = size << 8 | static_cast<unsigned char>(received[i]);
      if (received.size() < 4 + size)
        break;
      frames.push_back(received.substr(4, size));
      received.erase(0, 4 + size);
    }
    return frames;
  }

  std::vector<int32_t> take_correlations() {
    std::vector<int32_t> ids;
    for (const auto& frame : take_frames()) {
      int32_t id = 0;
      for (size_t i = 0; i < 4; ++i)
        id = id << 8 | static_cast<unsigned char>(frame[i]);
      ids.push_back(id);
    }
    return ids;
  }

  void create_topic(const std::string& name) {
    kafka::create_topics_request request;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = 1;
    topic.replication_factor = 1;
    send(api_key::create_topics, 5, request);
    run(500);
    REQUIRE(take_frames().size() == 1);
  }

  kafka::produce_request produce(const std::string& topic, int16_t acks) {
    record_builder builder;
    builder.add({.timestamp_ms = 1'700'000'000'000, .value = "x"});
    kafka::produce_request request;
    request.transactional_id.reset();
    request.acks = acks;
    auto& t = request.topic_data.emplace_back();
    t.name = topic;
    auto& p = t.partition_data.emplace_back();
    p.records.bytes = *builder.finish();
    return request;
  }

  kafka::fetch_request fetch(
    const std::string& topic, int64_t from, int32_t wait_ms) {
    kafka::fetch_request request;
    request.max_wait_ms = wait_ms;
    request.min_bytes = 1;
    auto& t = request.topics.emplace_back();
    t.topic = topic;
    auto& p = t.partitions.emplace_back();
    p.fetch_offset = from;
    p.partition_max_bytes = 1 << 20;
    return request;
  }
};

} // namespace

TEST_CASE("rules C5: a parked fetch holds back what follows it on its "
          "connection",
  "[simulation][session]") {
  node_fixture f;
  f.create_topic("t");
  const auto fetch = f.send(api_key::fetch, 11, f.fetch("t", 0, 300));
  const auto metadata = f.send(api_key::metadata, 1, kafka::metadata_request{});
  f.run(200);
  CHECK(f.take_correlations().empty());
  f.run(300);
  CHECK(f.take_correlations() == std::vector{fetch, metadata});
}

TEST_CASE("a parked fetch is answered when records come, not when its time "
          "is over",
  "[simulation][session]") {
  node_fixture f;
  f.create_topic("t");
  const auto fetch = f.send(api_key::fetch, 11, f.fetch("t", 0, 60'000));
  f.run(100);
  REQUIRE(f.take_frames().empty());
  sim_client other{f.world, f.link};
  bool produced = false;
  other.request<kafka::produce_response>(api_key::produce, 8,
    f.produce("t", -1), [&](const kafka::produce_response* response) {
      produced = response != nullptr;
    });
  f.run(200);
  CHECK(produced);
  CHECK(f.take_correlations() == std::vector{fetch});
}

TEST_CASE("pipelined produces are answered in order, all of them",
  "[simulation][session]") {
  node_fixture f;
  f.create_topic("t");
  std::vector<int32_t> sent;
  for (int i = 0; i < 50; ++i)
    sent.push_back(
      f.send(api_key::produce, 8, f.produce("t", i % 3 == 0 ? 1 : -1)));
  f.run(500);
  CHECK(f.take_correlations() == sent);
}

TEST_CASE("rules C5: acks=0 has no answer, and its error closes the "
          "connection",
  "[simulation][session]") {
  node_fixture f;
  f.create_topic("t");
  f.send(api_key::produce, 8, f.produce("t", 0));
  const auto after = f.send(api_key::metadata, 1, kafka::metadata_request{});
  f.run(200);
  CHECK(f.take_correlations() == std::vector{after});
  CHECK_FALSE(f.closed);
  f.send(api_key::produce, 8, f.produce("nowhere", 0));
  f.run(200);
  CHECK(f.closed);
}

TEST_CASE("rules C1: an unknown version of ApiVersions gets error 35 in the "
          "form of v0, with the ranges",
  "[simulation][session]") {
  node_fixture f;
  f.send(api_key::api_versions, 4, kafka::api_versions_request{"t", "1"});
  f.run(100);
  REQUIRE(f.take_frames().size() == 1);
  // Version 77 with the same body: nobody knows what it looks like.
  kafka_writer writer;
  writer.begin_frame();
  writer.write_int16(18);
  writer.write_int16(77);
  writer.write_int32(5);
  writer.write_raw("whatever");
  f.link.send(f.connection, *flatten(writer.finish_frame()));
  f.run(100);
  const auto frames = f.take_frames();
  REQUIRE(frames.size() == 1);
  kafka_reader reader{shared_bytes::copy_of(frames.front())};
  REQUIRE(reader.read_int32("correlation") == 5);
  kafka::api_versions_response response;
  REQUIRE(decode(reader, 0, response).ok());
  CHECK(response.error_code
        == static_cast<int16_t>(kafka_error::unsupported_version));
  // One is our own, and nobody subscribes to telemetry's two.
  CHECK(response.api_keys.size() + 3 == kafka::apis().size());
}

TEST_CASE(
  "APIs of our own are told to our own clients", "[simulation][session]") {
  node_fixture f;
  const auto told = [&](const std::string& software) {
    kafka::api_versions_request request;
    request.client_software_name = software;
    request.client_software_version = "1";
    f.send(api_key::api_versions, 3, request);
    f.run(100);
    const auto frames = f.take_frames();
    REQUIRE(frames.size() == 1);
    kafka_reader reader{shared_bytes::copy_of(frames.front())};
    reader.read_int32("correlation");
    kafka::api_versions_response response;
    REQUIRE(decode(reader, 3, response).ok());
    return std::ranges::count_if(response.api_keys, [](const auto& api) {
      return api.api_key >= kafka::first_own_key;
    });
  };
  CHECK(told("apache-kafka-java") == 0);
  CHECK(told("millrace") == 1);
}

TEST_CASE("a version that ApiVersions does not list closes the connection",
  "[simulation][session]") {
  node_fixture f;
  kafka_writer writer;
  writer.begin_frame();
  writer.write_int16(3);
  writer.write_int16(99);
  writer.write_int32(5);
  writer.write_int16(-1); // no client id
  writer.write_int8(0);   // no tagged fields
  f.link.send(f.connection, *flatten(writer.finish_frame()));
  f.run(100);
  CHECK(f.closed);
}

TEST_CASE(
  "HTTP on the Kafka port gets an answer in HTTP", "[simulation][session]") {
  node_fixture f;
  f.link.send(f.connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  f.run(100);
  CHECK(f.received.starts_with("HTTP/1.1 400"));
  CHECK(f.closed);
}

TEST_CASE("a connection that is idle for connections.max.idle.ms is closed, "
          "one with a parked fetch is not",
  "[simulation][session]") {
  node_fixture f;
  f.create_topic("t");
  f.send(api_key::fetch, 11, f.fetch("t", 0, 900'000));
  f.run(800'000); // the default is ten minutes
  CHECK_FALSE(f.closed);
  f.run(110'000); // the fetch is answered
  REQUIRE(f.take_frames().size() == 1);
  f.run(700'000);
  CHECK(f.closed);
}
