// A whole node in simulation, and one client of it that sends whatever it
// likes: requests of every API with fields that mean something or any bytes for
// a body, and plain garbage. Answers come in the order of the requests, or the
// connection ends; and another client makes a topic after it.
//
// input   = piece*
// piece   = kind (garbage | raw | filled)     kind modulo 4: 0, 1, 2 or 3
// garbage = size body
// raw     = api version size body
// filled  = api version choice*               one choice a field
#include "schema/assert.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/header.hpp"
#include "schema/kafka_wire.hpp"
#include "simulation/sim_node.hpp"
#include "tests/fuzz/actors/request_filler.hpp"
#include "tests/fuzz/input_reader.hpp"

#include <spdlog/spdlog.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace millrace;

std::string request_frame(
  int16_t key, int16_t version, int32_t correlation, std::string_view body) {
  kafka_writer writer;
  kafka::encode(
    writer, kafka::request_header{key, version, correlation, "fuzz"});
  auto head = flatten(writer.finish());
  MILLRACE_ASSERT(head, "a header is in memory");
  const auto size = static_cast<uint32_t>(head->size() + body.size());
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8)
    frame += static_cast<char>(size >> shift & 0xff);
  return frame + *head + std::string{body};
}

std::string text_of(std::span<const uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

/// `CreateTopics` is `create_topics` in the names of messages.
std::string message_name(std::string_view api_name) {
  std::string name;
  for (const char c : api_name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !name.empty())
      name += '_';
    name += static_cast<char>(upper ? c - 'A' + 'a' : c);
  }
  return name + "_request";
}

template <class T>
std::string filled_body(input_reader& input, int16_t version) {
  T request;
  request_filler filler{input, version};
  filler.fill(request, false);
  kafka_writer writer;
  encode(writer, version, request);
  auto body = flatten(writer.finish());
  MILLRACE_ASSERT(body, "a request is in memory");
  return *body;
}

using body_maker = std::string (*)(input_reader&, int16_t);

/// In the order of kafka::apis().
std::vector<body_maker> body_makers() {
  std::vector<body_maker> makers;
  for (const auto& api : kafka::apis()) {
    const auto wanted = message_name(api.name);
    body_maker maker = nullptr;
    kafka::visit_messages([&]<class T>(kafka::message_type<T> type) {
      if (type.name == wanted)
        maker = filled_body<T>;
    });
    MILLRACE_ASSERT(maker != nullptr, "every API has a request");
    makers.push_back(maker);
  }
  return makers;
}

/// What one client of the node has sent, and what came back.
struct fuzz_peer {
  std::deque<int32_t> waiting; ///< correlation ids
  bool checked = true;         ///< false once garbage was sent
  bool closed = false;
  size_t answers = 0;
  std::string received;

  void take(std::string_view bytes) {
    received += bytes;
    while (checked && received.size() >= 8) {
      const auto size = number_at(0);
      if (received.size() - 4 < size)
        return;
      const auto correlation = static_cast<int32_t>(number_at(4));
      // Produce with acks=0 has no answer: others before this one may lack.
      while (!waiting.empty() && waiting.front() != correlation)
        waiting.pop_front();
      MILLRACE_ASSERT(
        !waiting.empty(), "an answer has its request, in their order");
      waiting.pop_front();
      received.erase(0, 4 + size);
      ++answers;
    }
  }
  [[nodiscard]] uint32_t number_at(size_t at) const {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i)
      value = value << 8 | static_cast<uint8_t>(received[at + i]);
    return value;
  }
};

class fuzz_run {
public:
  fuzz_run()
      : node_(world_, {{"offsets.topic.num.partitions", "1"},
                        {"group.initial.rebalance.delay.ms", "0"}}) {
    node_.output.bytes = [this](uint64_t id, std::string bytes) {
      peers_.at(id).take(bytes);
    };
    node_.output.closed = [this](uint64_t id) {
      peers_.at(id).closed = true;
    };
    MILLRACE_ASSERT(node_.boot(), "a node starts on empty disks");
    connect(neighbour);
    connect(attacker_);
    make_topic("t");
  }

  void feed(input_reader input) {
    for (int i = 0; !input.empty() && i < 16; ++i) {
      const auto kind = input.byte();
      if (peers_[attacker_].closed)
        connect(++attacker_);
      if (kind % 4 == 0) {
        peers_[attacker_].checked = false;
        node_.input(attacker_, text_of(input.take(input.two_bytes())));
      } else {
        send_any(input, kind % 4 == 1);
      }
      if ((kind & 128) != 0)
        run(50 * sim_ms);
    }
    run(2 * sim_second);
  }

  /// The neighbour is answered by everything that a change goes through.
  void check_service() {
    make_topic("after");
  }

private:
  static constexpr uint64_t neighbour = 1;

  void connect(uint64_t id) {
    peers_[id];
    node_.connect(id);
  }

  void send_any(input_reader& input, bool raw) {
    static const auto makers = body_makers();
    const auto apis = kafka::apis();
    const auto which = input.byte() % apis.size();
    const auto& api = apis[which];
    const auto choice = input.byte();
    const auto versions = api.max_version - api.min_version + 1;
    auto version = static_cast<int16_t>(api.min_version + choice % versions);
    if (!raw) {
      send(attacker_, api.key, version, makers[which](input, version));
      return;
    }
    // One version on either side of what there is, now and then.
    if (choice >= 250)
      version = static_cast<int16_t>(
        choice % 2 == 0 ? api.min_version - 1 : api.max_version + 1);
    send(attacker_, api.key, version, text_of(input.take(input.two_bytes())));
  }

  void send(
    uint64_t id, kafka::api_key key, int16_t version, std::string_view body) {
    peers_[id].waiting.push_back(++correlation_);
    node_.input(id,
      request_frame(static_cast<int16_t>(key), version, correlation_, body));
  }

  /// Through the controller, the log of metadata and the broker.
  void make_topic(const char* name) {
    const auto before = peers_[neighbour].answers;
    kafka::create_topics_request request;
    request.timeout_ms = 1000;
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.num_partitions = 1;
    topic.replication_factor = 1;
    kafka_writer writer;
    encode(writer, 7, request);
    auto body = flatten(writer.finish());
    MILLRACE_ASSERT(body, "a request is in memory");
    send(neighbour, kafka::api_key::create_topics, 7, *body);
    run(sim_second);
    MILLRACE_ASSERT(
      peers_[neighbour].answers == before + 1, "everyone else is served");
  }

  /// Everything that happens in the next `span` of virtual time.
  void run(sim_time span) {
    const auto until = world_.now() + span;
    for (int steps = 0; steps < 10'000; ++steps) {
      while (node_.settle() || world_.advance_to(world_.now())) {
      }
      const auto next = std::min(world_.next_event(), node_.next_timer());
      if (next > until)
        break;
      world_.advance_to(next);
      node_.advance();
    }
    world_.advance_to(until);
    node_.advance();
    node_.settle();
  }

  sim_world world_{1};
  std::map<uint64_t, fuzz_peer> peers_; // outlives the node, which tells it
  sim_node node_;
  uint64_t attacker_ = 2;
  int32_t correlation_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  spdlog::set_level(spdlog::level::off); // a line for each refusal
  fuzz_run run;
  run.feed(input_reader{{data, size}});
  run.check_service();
  return 0;
}
