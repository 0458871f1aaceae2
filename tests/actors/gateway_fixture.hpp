#pragma once

// A gateway of a cluster of three nodes, whose partitions, broker and
// controller the test plays.

#include "actors/kafka/handlers.hpp"
#include "schema/kafka/fetch.hpp"
#include "schema/kafka/produce.hpp"
#include "simulation/sim_gateway.hpp"
#include "tests/actors/actor_fixture.hpp"

namespace millrace {

inline const uuid topic_id{0x4000, 1};

/// Three nodes; this one is 1. `here` is led by it, `there` by node 2,
/// `nowhere` by none; partition 0 of __consumer_offsets is led here, 1 there.
inline metadata_image three_nodes() {
  metadata_image image;
  int64_t index = 0;
  image.apply(cluster_created{"cluster"}, index, 1);
  for (const int32_t id : {1, 2, 3}) {
    broker_registered r;
    r.id = {id};
    r.endpoints = {{"PLAINTEXT", "", static_cast<uint16_t>(9090 + id), 0},
      {cluster_listener_name, "node" + std::to_string(id), 7000, 0}};
    r.rack = "r" + std::to_string(id);
    r.broker_epoch = id;
    image.apply(r, ++index, 1);
  }
  uint64_t number = 0;
  const auto create = [&](const char* name, std::vector<int32_t> leaders) {
    topic_created t;
    t.name = name;
    t.id = {topic_id.high, ++number};
    for (const auto leader : leaders) {
      partition_registration p;
      p.index = static_cast<int32_t>(t.partitions.size());
      p.replicas = p.isr = {{1}, {2}, {3}};
      p.leader = {leader};
      p.epoch = leader_epoch{5};
      t.partitions.push_back(p);
    }
    image.apply(t, ++index, 1);
  };
  create("here", {1});
  create("there", {2});
  create("nowhere", {-1});
  create(offsets_topic_name, {1, 2});
  return image;
}

struct gateway_fixture : actor_fixture {
  caf::scoped_actor broker{system};
  caf::scoped_actor controller{system};
  caf::scoped_actor partition{system};
  metadata_image image = three_nodes();
  std::shared_ptr<node_counters> counters = std::make_shared<node_counters>();
  caf::actor subject;
  std::weak_ptr<gateway_core> core; ///< the subject's
  std::string received;
  std::vector<uint64_t> closed;
  int32_t correlation = 0;

  /// @param outside what the gateway measures its work by, if not env
  explicit gateway_fixture(std::map<std::string, std::string> settings = {},
    environment* outside = nullptr) {
    settings["node.id"] = "1";
    auto config = parse_node_config(settings);
    REQUIRE(config.ok());
    auto made = std::make_shared<gateway_core>(
      gateway_wiring{outside != nullptr ? outside : &env,
        std::make_shared<const node_config>(std::move(*config)), counters,
        caf::actor_cast<caf::strong_actor_ptr>(controller),
        caf::actor_cast<caf::strong_actor_ptr>(broker), uuid{}});
    core = made;
    subject = system.spawn(sim_gateway, std::move(made),
      sim_output{[this](uint64_t, std::string bytes) {
                   received += bytes;
                 },
        [this](uint64_t id) {
          closed.push_back(id);
        }});
    directory_update all;
    all.image = std::make_shared<const metadata_image>(image);
    // It has replicas of all of them, as a follower of some.
    for (const auto& [name, topic] : image.topics())
      for (const auto& p : topic->partitions)
        all.partitions.push_back({{name, p.index}, pointer(partition)});
    caf::anon_send(subject, std::move(all));
    caf::anon_send(subject, sim_connect{1});
    run();
  }

  ~gateway_fixture() {
    caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
    subject = nullptr;
    run();
  }

  static caf::strong_actor_ptr pointer(const caf::scoped_actor& actor) {
    return caf::actor_cast<caf::strong_actor_ptr>(actor);
  }

  /// One more command of the metadata log.
  void tell(metadata_command command) {
    const auto index = image.applied_index() + 1;
    image.apply(command, index, 1);
    directory_update more;
    more.metadata.commands
      = std::make_shared<const std::vector<committed_command>>(
        std::vector<committed_command>{
          {static_cast<uint64_t>(index), 1, std::move(command)}});
    caf::anon_send(subject, std::move(more));
    run();
  }

  template <class Request>
  void send(kafka::api_key key, int16_t version, const Request& body,
    const std::string& client_id = "test", uint64_t connection = 1) {
    kafka_writer writer;
    writer.begin_frame();
    encode(writer, kafka::request_header{static_cast<int16_t>(key), version,
                     ++correlation, client_id});
    encode(writer, version, body);
    auto bytes = flatten(writer.finish_frame());
    REQUIRE(bytes.ok());
    caf::anon_send(subject, sim_input{connection, std::move(*bytes)});
    run();
  }

  bool has_answer() const {
    return !received.empty();
  }

  /// The partition has been asked for records; an answer to fill in.
  /// @param nearer who may be given instead of them
  fetch_answer asked_of_partition(std::vector<node_id>* nearer = nullptr) {
    fetch_answer answer;
    partition->receive([&](const fetch_asks& asked) {
      REQUIRE(asked.asks.size() == 1);
      answer.ticket = asked.asks[0].ticket;
      CHECK(asked.asks[0].any_replica);
      if (nearer != nullptr)
        *nearer = asked.asks[0].nearer;
    });
    return answer;
  }
  void answer(fetch_answer answer) {
    caf::anon_send(subject, fetch_answers{{std::move(answer)}});
    run();
  }

  template <class Response>
  Response take(kafka::api_key key, int16_t version) {
    REQUIRE(received.size() > 4);
    kafka_reader reader{shared_bytes::copy_of(received.substr(4))};
    received.clear();
    const auto id = kafka::decode_response_header(
      reader, static_cast<int16_t>(key), version);
    REQUIRE(id.ok());
    CHECK(*id == correlation);
    Response response;
    REQUIRE(decode(reader, version, response).ok());
    return response;
  }

  template <class Response, class Request>
  Response ask(kafka::api_key key, int16_t version, const Request& body) {
    send(key, version, body);
    return take<Response>(key, version);
  }
};

inline kafka::produce_request produce_to(const std::string& topic) {
  kafka::produce_request request;
  request.transactional_id.reset();
  request.acks = -1;
  auto& t = request.topic_data.emplace_back();
  t.name = topic;
  t.partition_data.emplace_back().records.bytes = one_record();
  return request;
}

inline kafka::fetch_request fetch_of(const std::string& topic) {
  kafka::fetch_request request;
  request.max_wait_ms = 1000;
  auto& t = request.topics.emplace_back();
  t.topic = topic;
  auto& p = t.partitions.emplace_back();
  p.partition_max_bytes = 1000;
  request.max_bytes = 1000;
  return request;
}

} // namespace millrace
