// What a link does with nodes that are ill, and with those that are none.
#include "net/blocking_socket.hpp"
#include "tests/actors/played_node.hpp"

#include <catch2/catch.hpp>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

using namespace millrace;

namespace {

constexpr int timeout_ms = 10'000;

/// A connection to a link's port, by somebody who is no link.
struct stranger {
  explicit stranger(const linked_node& to) : socket{connect(to)} {}
  stranger(const linked_node& to, std::string_view says) : stranger(to) {
    say(says);
  }

  static blocking_socket connect(const linked_node& to) {
    auto made = blocking_socket::connect(to.link->bound(), timeout_ms);
    REQUIRE(made);
    return std::move(*made);
  }
  void say(std::string_view bytes) {
    REQUIRE(socket.write_all(bytes, timeout_ms));
  }
  /// All that comes until the link closes the connection.
  std::string hear_all() {
    std::string all;
    std::array<std::byte, 4096> part{};
    for (;;) {
      const auto got = socket.read_some(part, timeout_ms);
      // A reset is an end, too; a time-out is none.
      if (!got)
        REQUIRE(got.error().context.find("timed out") == std::string::npos);
      if (!got || *got == 0)
        return all;
      all.append(reinterpret_cast<const char*>(part.data()), *got);
    }
  }
  shared_bytes hear(size_t size) {
    auto bytes = shared_bytes::allocate(size);
    REQUIRE(socket.read_exact(bytes.writable(), timeout_ms));
    return bytes;
  }
  /// The link's hello in answer to ours.
  link_hello hear_hello() {
    const auto head = hear(8);
    const auto rest = hear(*measure_greeting(head.span()) - 8);
    const auto greeting = decode_greeting(shared_bytes::copy_of(
      std::string{head.text()} + std::string{rest.text()}));
    REQUIRE(greeting);
    REQUIRE(greeting->refusal.empty());
    return greeting->hello;
  }
  /// Why the link does not want this connection, which it ends.
  std::string hear_refusal() {
    const auto greeting = decode_greeting(shared_bytes::copy_of(hear_all()));
    REQUIRE(greeting);
    return greeting->refusal;
  }

  blocking_socket socket;
};

std::string refusal_of(const linked_node& link, const link_hello& hello) {
  return stranger{link, encode(hello)}.hear_refusal();
}

bool contains(const std::string& text, std::string_view part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

/// Until the link has refused so many connections.
bool wait_for_refusals(const linked_node& link, uint64_t count) {
  return link.post->wait([&] {
    return link.link->counters().refused >= count;
  });
}

/// What is logged as long as this lives; no link may outlive it.
class kept_log {
public:
  kept_log() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("kept", lines_));
  }
  ~kept_log() {
    spdlog::set_default_logger(before_);
  }
  kept_log(const kept_log&) = delete;
  kept_log& operator=(const kept_log&) = delete;

  [[nodiscard]] bool has(std::string_view part) const {
    const auto all = lines_->last_formatted();
    return std::any_of(all.begin(), all.end(), [part](const auto& line) {
      return line.find(part) != std::string::npos;
    });
  }

private:
  std::shared_ptr<spdlog::logger> before_;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines_
    = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(1000);
};

std::string frame_of(const envelope& e) {
  return std::string{encode(e).text()};
}

} // namespace

TEST_CASE("a node that falls silent is down though its connections stand",
  "[actors][tcp_link]") {
  link_rig rig;
  played_node two{hello_of(2)};
  auto options = options_of(1);
  options.hello_ms = 100;
  options.silence_ms = 200;
  const auto one = rig.start(options);
  one->link->introduce(node_id{2}, two.at);
  REQUIRE(one->post->wait_for_state(node_id{2}, link_state::up));
  // Frozen: the kernel goes on taking connections, nobody says hello.
  two.manners.says_hello = false;
  two.manners.answers_pings = false;
  REQUIRE(one->post->wait_for_state(node_id{2}, link_state::down));
  two.manners.says_hello = true;
  two.manners.answers_pings = true;
  REQUIRE(one->post->wait_for_state(node_id{2}, link_state::up));
  CHECK(one->post->states_of(node_id{2})
        == std::vector{link_state::up, link_state::down, link_state::up});
}

TEST_CASE("a node that answers pings stays up for longer than the silence",
  "[actors][tcp_link]") {
  link_rig rig;
  played_node two{hello_of(2)};
  played_node three{hello_of(3)};
  auto options = options_of(1);
  options.ping_ms = 50;
  options.silence_ms = 1000;
  const auto one = rig.start(options);
  one->link->introduce(node_id{2}, two.at);
  REQUIRE(one->post->wait_for_state(node_id{2}, link_state::up));
  // Three goes through several silences meanwhile.
  three.manners.answers_pings = false;
  one->link->introduce(node_id{3}, three.at);
  REQUIRE(one->post->wait([&] {
    const auto& all = one->post->changes;
    return std::count_if(all.begin(), all.end(), [](const link_change& c) {
      return c.node == node_id{3} && c.state == link_state::down;
    }) >= 2;
  }));
  CHECK(one->post->states_of(node_id{2}) == std::vector{link_state::up});
}

TEST_CASE("a dialer that falls silent is let go, with its bulk connection",
  "[actors][tcp_link]") {
  link_rig rig;
  auto options = options_of(1);
  options.silence_ms = 100;
  const auto one = rig.start(options);
  stranger control{*one, encode(hello_of(2))};
  CHECK(control.hear_hello().node == node_id{1});
  auto hello = hello_of(2);
  hello.lane = link_lane::bulk;
  stranger bulk{*one, encode(hello)};
  CHECK(bulk.hear_hello().lane == link_lane::bulk);
  CHECK(control.hear_all().empty());
  CHECK(bulk.hear_all().empty());
}

TEST_CASE("who accepts and never says hello is tried again and again",
  "[actors][tcp_link]") {
  link_rig rig;
  played_node two{hello_of(2)};
  two.manners.says_hello = false;
  auto options = options_of(1);
  options.hello_ms = 20;
  options.retry_ms_max = 40;
  const auto one = rig.start(options);
  one->link->introduce(node_id{2}, two.at);
  REQUIRE(one->post->wait([&] {
    one->link->introduce(node_id{2}, two.at); // no change: no news
    return two.connections >= 5;
  }));
  CHECK(one->post->states_of(node_id{2}).empty());
}

TEST_CASE("bulk that nobody reads is bounded and does not hold up heartbeats",
  "[actors][tcp_link]") {
  link_rig rig;
  played_node two{hello_of(2)};
  two.manners.reads_bulk = false;
  auto options = options_of(1);
  options.bulk_bytes_max = 4u << 20;
  const auto one = rig.start(options);
  one->link->introduce(node_id{2}, two.at);
  REQUIRE(one->post->wait_for_state(node_id{2}, link_state::up));
  const std::string megabyte(1u << 20, 'x');
  // What the kernel takes on loopback is some MB, whatever is sent.
  for (uint64_t i = 0; i < 200; ++i)
    one->link->send(node_id{2}, message_of(conversation::replica, i, megabyte));
  const auto& counters = one->link->counters();
  CHECK(counters.dropped > 100);
  const auto dropped = counters.dropped.load();
  for (uint64_t i = 0; i < 1000; ++i)
    one->link->send(node_id{2}, message_of(conversation::raft, i, "beat"));
  REQUIRE(one->post->wait([&] {
    return counters.messages_out >= 1000 + 200 - dropped;
  }));
  CHECK(counters.dropped == dropped);
  CHECK(one->post->states_of(node_id{2}) == std::vector{link_state::up});
}

TEST_CASE("a hello that does not fit is refused with a sentence",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  auto hello = hello_of(2);
  hello.cluster = {3, 4};
  CHECK(contains(refusal_of(*one, hello), "belongs to cluster"));
  hello = hello_of(2, 5);
  CHECK(contains(refusal_of(*one, hello), "looks for node 5 here"));
  hello = hello_of(2);
  hello.wire_min = 8;
  hello.wire_max = 9;
  CHECK(contains(refusal_of(*one, hello), "versions 8 to 9"));
  hello = hello_of(1);
  CHECK(contains(refusal_of(*one, hello), "there is another node 1"));
  hello = hello_of(2);
  hello.lane = link_lane::bulk;
  CHECK(contains(refusal_of(*one, hello), "comes after one for control"));
  CHECK(one->link->counters().refused == 5);
}

TEST_CASE("releases that have a wire version in common work together",
  "[actors][tcp_link]") {
  link_rig rig;
  auto options = options_of(1);
  options.wire_min = 3;
  options.wire_max = 5;
  const auto one = rig.start(options);
  struct release {
    uint16_t min, max;
    bool is_welcome;
  };
  for (const auto& other : std::vector<release>{{3, 5, true}, {5, 9, true},
         {1, 3, true}, {4, 4, true}, {1, 2, false}, {6, 9, false}}) {
    CAPTURE(other.min, other.max);
    auto hello = hello_of(2);
    hello.wire_min = other.min;
    hello.wire_max = other.max;
    if (other.is_welcome) {
      const auto answer = stranger(*one, encode(hello)).hear_hello();
      CHECK(answer.wire_min == 3);
      CHECK(answer.wire_max == 5);
    } else {
      CHECK(contains(refusal_of(*one, hello),
        "node 2 speaks versions " + std::to_string(other.min) + " to "
          + std::to_string(other.max)
          + " of the protocol between nodes, and node 1 3 to 5"));
    }
  }
}

TEST_CASE("a node of a release too far away is refused where it is dialed too",
  "[actors][tcp_link]") {
  link_rig rig;
  for (const uint16_t version : {0, 2}) {
    CAPTURE(version);
    auto hello = hello_of(2);
    hello.wire_min = hello.wire_max = version;
    played_node two{hello};
    const auto one = rig.start(1);
    one->link->introduce(node_id{2}, two.at);
    REQUIRE(wait_for_refusals(*one, 1));
    CHECK(one->post->states_of(node_id{2}).empty());
    CHECK(contains(two.refusal.wait(), "their releases are too far apart"));
  }
}

TEST_CASE("a hello of a later release may say more than is understood",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  auto hello = hello_of(2);
  hello.wire_max = 7;
  auto bytes = encode(hello) + std::string(64, '?');
  bytes[4] = static_cast<char>(bytes.size());
  CHECK(stranger(*one, bytes).hear_hello().node == node_id{1});
}

TEST_CASE("a node that cannot be dialed back is told, and tells",
  "[actors][tcp_link]") {
  link_rig rig;
  const kept_log said;
  const auto one = rig.start(1);
  auto options = options_of(2);
  options.advertised = {"127.0.0.1", 1};
  options.look_up_ms = 200;
  const auto two = rig.start(options);
  two->link->introduce(node_id{1}, one->link->bound());
  REQUIRE(two->sees(*one, link_state::up));
  REQUIRE(one->post->wait([&] {
    return said.has("node 2: it is connected, but cannot be reached at "
                    "127.0.0.1:1")
           && said.has("node 1: it can be reached, but does not connect to "
                       "this node, which tells it to do so at 127.0.0.1:1");
  }));
  CHECK(one->post->states_of(node_id{2}) == std::vector{link_state::refused});
}

TEST_CASE("a node that does not know its cluster yet is welcome",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  auto hello = hello_of(2);
  hello.cluster = {};
  CHECK(stranger(*one, encode(hello)).hear_hello().cluster == rig_cluster);
}

TEST_CASE("of two nodes with one id the first one connected stays",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  stranger first{*one, encode(hello_of(2))};
  first.hear_hello();
  auto hello = hello_of(2);
  hello.directory = {7, 7};
  CHECK(contains(refusal_of(*one, hello), "another node 2 is connected"));
  first.say(encode_ping());
  CHECK(kind_of(first.hear(ping_bytes)) == link_frame::ping);
  // When it has gone, its place is free.
  first.socket.end_output();
  CHECK(first.hear_all().empty());
  stranger second{*one, encode(hello)};
  second.hear_hello();
}

TEST_CASE("a later run of a directory takes the earlier one's place at once",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  auto hello = hello_of(2);
  hello.incarnation = 5;
  stranger first{*one, encode(hello)};
  first.hear_hello();
  hello.incarnation = 6;
  stranger second{*one, encode(hello)};
  second.hear_hello();
  CHECK(first.hear_all().empty());
  hello.incarnation = 5;
  CHECK(contains(refusal_of(*one, hello), "a later run of node 2"));
  second.say(encode_ping());
  CHECK(kind_of(second.hear(ping_bytes)) == link_frame::ping);
}

TEST_CASE("a node that dials again leaves its earlier connection",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  stranger first{*one, encode(hello_of(2))};
  first.hear_hello();
  stranger second{*one, encode(hello_of(2))};
  second.hear_hello();
  CHECK(first.hear_all().empty());
  second.say(frame_of(message_of(conversation::raft, 3, "still here")));
  REQUIRE(one->post->wait_for_messages(1));
  CHECK(one->post->messages[0].node == node_id{2});
}

TEST_CASE(
  "a node at another's address is not taken for it", "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  const auto three = rig.start(3);
  one->link->introduce(node_id{2}, three->link->bound());
  REQUIRE(wait_for_refusals(*one, 1));
  REQUIRE(wait_for_refusals(*three, 1));
  CHECK(one->post->states_of(node_id{2}).empty());
  // One that answers to a name that is not its own is not either.
  played_node liar{hello_of(4)};
  const auto before = one->link->counters().refused.load();
  one->link->introduce(node_id{5}, liar.at);
  REQUIRE(wait_for_refusals(*one, before + 1));
  CHECK(one->post->states_of(node_id{5}).empty());
}

TEST_CASE(
  "clients of other protocols are told where they are", "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  CHECK(contains(stranger(*one, "GET / HTTP/1.1\r\n\r\n").hear_all(),
    "the nodes of a Millrace cluster talk to one another"));
  // ApiVersions 0 of Kafka: nothing that it would understand can be said.
  const std::string kafka{"\0\0\0\x0e\0\x12\0\0\0\0\0\x01\0\x04test", 18};
  CHECK(stranger(*one, kafka).hear_all().empty());
  CHECK(contains(stranger(*one, "complete garbage").hear_refusal(),
    "no greeting of a node"));
  // A hello of 4 GiB, and one of nothing.
  std::string hello = encode(hello_of(2));
  hello.replace(4, 4, "\xff\xff\xff\xff");
  CHECK(contains(stranger(*one, hello).hear_refusal(), "4294967295 bytes"));
  hello.replace(4, 4, std::string(4, '\0'));
  CHECK(contains(stranger(*one, hello).hear_refusal(), "0 bytes"));
  CHECK(one->link->counters().refused == 5);
}

TEST_CASE("a server of another kind where a node should be is no node",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  auto loop = event_loop::create();
  REQUIRE(loop);
  struct answers_http final : connection_handler {
    explicit answers_http(connection& at) : peer(at) {}
    std::span<std::byte> prepare_read() override {
      return bytes;
    }
    void on_read(size_t) override {
      peer.send({"HTTP/1.1 400 Bad Request\r\n\r\n", {}});
      peer.close_after_flush();
    }
    void on_sent(size_t) override {}
    void on_closed(std::string_view) override {}
    connection& peer;
    std::array<std::byte, 2048> bytes{};
  };
  const auto port = (*loop)->listen({"127.0.0.1", 0}, [](connection& peer) {
    return std::make_unique<answers_http>(peer);
  });
  REQUIRE(port);
  one->link->introduce(node_id{2}, {"127.0.0.1", *port});
  REQUIRE(one->post->wait([&] {
    (*loop)->poll(1);
    (*loop)->flush();
    return one->link->counters().refused > 0;
  }));
  CHECK(one->post->states_of(node_id{2}).empty());
}

TEST_CASE("half a hello is not waited for for ever", "[actors][tcp_link]") {
  link_rig rig;
  auto options = options_of(1);
  options.hello_ms = 50;
  const auto one = rig.start(options);
  stranger silent{*one};
  stranger slow{*one, encode(hello_of(2)).substr(0, 30)};
  CHECK(silent.hear_all().empty());
  CHECK(slow.hear_all().empty());
  CHECK(one->link->counters().refused == 2);
}

TEST_CASE("many who say nothing do not keep a node out", "[actors][tcp_link]") {
  link_rig rig;
  auto options = options_of(1);
  options.strangers_max = 4;
  options.hello_ms = 60'000;
  const auto one = rig.start(options);
  std::vector<stranger> many;
  for (int i = 0; i < 20; ++i)
    many.emplace_back(*one);
  stranger two{*one, encode(hello_of(2))};
  two.hear_hello();
  // The oldest had to go; the last four may stay, one for the node's place.
  for (size_t i = 0; i < 16; ++i)
    CHECK(many[i].hear_all().empty());
}

TEST_CASE("what is no frame ends the connection, and nothing else",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(1);
  stranger good{*one, encode(hello_of(3))};
  good.hear_hello();
  auto huge = frame_of(message_of(conversation::raft, 1, "x"));
  huge.replace(16, 4, "\xff\xff\xff\x7f"); // a message of 2 GiB
  auto mixed_up = frame_of(message_of(conversation::raft, 1, "12345678"));
  mixed_up[16] = 9; // its parts are not as long as the whole
  for (const auto& bad : {huge, mixed_up, std::string(64, 'x'),
         encode(hello_of(2)), frame_of(message_of(conversation{99}, 1, ""))}) {
    stranger two{*one, encode(hello_of(2))};
    two.hear_hello();
    two.say(bad);
    CHECK(two.hear_all().empty());
  }
  CHECK(one->link->counters().refused == 5);
  good.say(frame_of(message_of(conversation::raft, 1, "fine")));
  REQUIRE(one->post->wait_for_messages(1));
  CHECK(one->post->messages[0].node == node_id{3});
}

TEST_CASE("a message from the side that accepted ends the connection",
  "[actors][tcp_link]") {
  // Who dialed knows whom it asked; who accepted has a connection of its own.
  link_rig rig;
  const auto one = rig.start(1);
  auto loop = event_loop::create();
  REQUIRE(loop);
  struct talks_back final : connection_handler {
    explicit talks_back(connection& at) : peer(at) {}
    std::span<std::byte> prepare_read() override {
      return bytes;
    }
    void on_read(size_t) override {
      peer.send({encode(hello_of(2))
                   + frame_of(message_of(conversation::raft, 1, "psst")),
        {}});
    }
    void on_sent(size_t) override {}
    void on_closed(std::string_view) override {}
    connection& peer;
    std::array<std::byte, 2048> bytes{};
  };
  const auto port = (*loop)->listen({"127.0.0.1", 0}, [](connection& peer) {
    return std::make_unique<talks_back>(peer);
  });
  REQUIRE(port);
  one->link->introduce(node_id{2}, {"127.0.0.1", *port});
  REQUIRE(one->post->wait([&] {
    (*loop)->poll(1);
    (*loop)->flush();
    return one->link->counters().refused > 0;
  }));
  CHECK(one->post->messages.empty());
}
