#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/delete_topics.hpp"
#include "schema/kafka/metadata.hpp"
#include "simulation/sim_client.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using kafka::api_key;

namespace {

/// A node that is killed and started, and a client that asks it.
struct node_fixture {
  sim_world world{1};
  sim_node node{world, {}};
  sim_link link{world, node};
  std::optional<sim_client> client;

  node_fixture() {
    start();
  }

  void start() {
    REQUIRE(node.boot().ok());
    client.emplace(world, link);
  }

  /// kill -9, and the next start.
  void restart() {
    client.reset();
    node.kill();
    link.break_all();
    start();
  }

  /// Runs everything that happens within `ms` of virtual time.
  void run(int64_t ms) {
    node.run_for(ms * sim_ms);
  }

  template <class Response, class Request>
  Response ask(api_key key, int16_t version, const Request& request) {
    std::optional<Response> answer;
    client->request<Response>(
      key, version, request, [&](const Response* response) {
        if (response != nullptr)
          answer = *response;
      });
    for (int i = 0; i < 200 && !answer; ++i)
      run(1);
    REQUIRE(answer.has_value());
    return *answer;
  }

  int16_t create(const std::string& name) {
    kafka::create_topics_request request;
    request.timeout_ms = 1000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = 1;
    topic.replication_factor = 1;
    return ask<kafka::create_topics_response>(
      api_key::create_topics, 7, request)
      .topics.front()
      .error_code;
  }

  int16_t remove(const std::string& name) {
    kafka::delete_topics_request request;
    request.timeout_ms = 1000;
    request.topic_names.push_back(name);
    return ask<kafka::delete_topics_response>(
      api_key::delete_topics, 5, request)
      .responses.front()
      .error_code;
  }

  std::set<std::string> topics() {
    kafka::metadata_request request;
    request.topics.reset();
    std::set<std::string> names;
    const auto answer
      = ask<kafka::metadata_response>(api_key::metadata, 9, request);
    for (const auto& topic : answer.topics)
      names.insert(topic.name.value_or(""));
    return names;
  }
};

constexpr int64_t saved_ms = 5000; // the image is saved within a second

} // namespace

// A deletion that a start had replayed was never saved: the image that was
// saved next told that it was, and still had the topic.
TEST_CASE("a deletion that one start replays is not undone by the next",
  "[simulation][metadata_recovery]") {
  node_fixture f;
  REQUIRE(f.create("gone") == 0);
  f.run(saved_ms);
  REQUIRE(f.remove("gone") == 0);
  f.restart(); // before that was saved: it is replayed
  f.run(saved_ms);
  CHECK(f.topics().empty());
  f.restart(); // reads what was saved since
  CHECK(f.topics().empty());
}

// Then the name was there twice, and the node did not start any more.
TEST_CASE("a topic that was deleted and made again is there once after two "
          "starts",
  "[simulation][metadata_recovery]") {
  node_fixture f;
  REQUIRE(f.create("again") == 0);
  f.run(saved_ms);
  REQUIRE(f.remove("again") == 0);
  f.restart();
  f.run(saved_ms);
  REQUIRE(f.create("again") == 0);
  f.run(saved_ms);
  f.restart();
  CHECK(f.topics() == std::set<std::string>{"again"});
}
