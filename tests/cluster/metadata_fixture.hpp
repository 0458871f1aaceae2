#pragma once

// A small cluster for tests of what the controller decides and the image
// answers.

#include "cluster/controller_state.hpp"

#include <catch2/catch.hpp>

#include <set>

namespace millrace::test {

inline node_config node(std::map<std::string, std::string> set = {}) {
  auto parsed = parse_node_config(set);
  if (!parsed)
    FAIL(to_string(parsed.error()));
  return *parsed;
}

/// Ids 1, 2, 3, ...: the same in every run.
inline std::function<uuid()> counted_uuids() {
  return [n = std::make_shared<uint64_t>(0)] {
    return uuid{0x4000000000000000ull, ++*n};
  };
}

/// What makes a node one of a cluster of three controllers.
inline std::map<std::string, std::string> clustered(
  std::map<std::string, std::string> more = {}) {
  more["node.id"] = "0";
  more["millrace.cluster.listener"] = "127.0.0.1:9190";
  more["controller.quorum.voters"]
    = "0@127.0.0.1:9190,1@127.0.0.1:9191,2@127.0.0.1:9192";
  return more;
}

/// A controller that applies what it decides at once.
struct controller {
  explicit controller(
    int brokers = 1, std::map<std::string, std::string> set = {})
      : state(node(std::move(set)), {}, counted_uuids(), [this](node_id id) {
          return !silent.contains(id);
        }) {
    for (const auto& command : state.decide_bootstrap())
      apply(command);
    for (int i = 0; i < brokers; ++i)
      start(i, 1);
  }
  controller(const controller&) = delete;
  controller& operator=(const controller&) = delete;

  static register_broker registration(int32_t id, uint64_t incarnation) {
    register_broker request;
    request.id = {id};
    request.incarnation = {1000 + static_cast<uint64_t>(id), incarnation};
    request.directories = {uuid{77, static_cast<uint64_t>(id)}};
    request.endpoints = {{"PLAINTEXT", id == 0 ? "" : "host",
      static_cast<uint16_t>(9092 + id), 0}};
    return request;
  }

  register_broker_reply register_one(int32_t id, uint64_t incarnation) {
    return run(state.decide(registration(id, incarnation)));
  }

  /// A heartbeat of a broker that has applied everything, or up to `applied`.
  broker_heartbeat_reply beat(int32_t id, std::optional<int64_t> applied = {},
    bool want_shutdown = false) {
    const auto* broker = image().find_broker({id});
    return run(state.decide(
      broker_heartbeat{{id}, broker != nullptr ? broker->broker_epoch : -1,
        applied.value_or(index), want_shutdown}));
  }

  /// It starts, has everything, and is let in.
  void start(int32_t id, uint64_t incarnation) {
    CHECK(register_one(id, incarnation).error == kafka_error::none);
    CHECK_FALSE(beat(id).fenced);
  }

  void fence(std::set<node_id> ids) {
    for (const auto& command : state.decide_fence(ids))
      apply(command);
  }

  const partition_registration& partition(
    std::string_view topic = "t", size_t index = 0) const {
    return image().find_topic(topic)->partitions.at(index);
  }

  void apply(const metadata_command& command) {
    state.apply(command, ++index, 1);
    log.push_back(command);
  }

  template <class Reply>
  Reply run(metadata_decision<Reply> decided) {
    for (const auto& command : decided.records)
      apply(command);
    return std::move(decided.reply);
  }

  template <class Request>
  auto ask(const Request& request) {
    return run(state.decide(request));
  }

  /// Creates a topic and returns the answer's entry.
  kafka::create_topics_response::creatable_topic_result create(
    const std::string& name, int32_t partitions = 1, int16_t factor = 1,
    std::vector<kafka::create_topics_request::creatable_topic_config> configs
    = {}) {
    kafka::create_topics_request request;
    request.topics.push_back(
      {name, partitions, factor, {}, std::move(configs)});
    auto response = ask(request);
    REQUIRE(response.topics.size() == 1);
    return response.topics.front();
  }

  const metadata_image& image() const {
    return state.image();
  }

  int64_t index = -1;
  /// Who has not been heard of since this controller leads.
  std::set<node_id> silent;
  controller_state state;
  std::vector<metadata_command> log;
};

inline kafka_error error_of(int16_t code) {
  return static_cast<kafka_error>(code);
}

} // namespace millrace::test
