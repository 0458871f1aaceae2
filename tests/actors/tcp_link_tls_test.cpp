// Mutual TLS between nodes: who has no certificate of the cluster's authority,
// or that of another node, gets nowhere.
#include "net/blocking_socket.hpp"
#include "net/tls_certificates.hpp"
#include "tests/actors/tcp_link_rig.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

constexpr tls_validity a_day{.ends_s = 86'400};
constexpr int timeout_ms = 10'000;

tls_certificate authority(const std::string& name = "test") {
  auto made = make_tls_authority(name, a_day);
  INFO((made ? "" : to_string(made.error())));
  REQUIRE(made);
  return *made;
}

tls_identity identity(const tls_certificate& ca, const std::string& name) {
  auto made = make_tls_certificate(ca, {name}, a_day);
  INFO((made ? "" : to_string(made.error())));
  REQUIRE(made);
  return {ca.certificate, made->certificate, made->key};
}

std::shared_ptr<const tls_context> context(const tls_identity& of) {
  auto made = tls_context::create(of);
  INFO((made ? "" : to_string(made.error())));
  REQUIRE(made);
  return *made;
}

tcp_link_options secured(int32_t node, const tls_identity& as) {
  auto options = options_of(node);
  options.tls = context(as);
  return options;
}

tcp_link_options secured(int32_t node, const tls_certificate& ca) {
  return secured(node, identity(ca, "node-" + std::to_string(node)));
}

/// The two never come together, and `one` has said no or was told no.
void check_apart(const linked_node& one, const linked_node& two) {
  one.knows(two);
  REQUIRE(one.post->wait([&] {
    return one.link->counters().refused >= 2
           && two.link->counters().refused >= 2;
  }));
  CHECK(one.post->states_of(two.id()).empty());
  CHECK(two.post->states_of(one.id()).empty());
  CHECK(one.link->counters().messages_in == 0);
  CHECK(two.link->counters().messages_in == 0);
}

} // namespace

TEST_CASE("nodes of one authority talk over TLS, in order and in all sizes",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto ca = authority();
  const auto one = rig.start(secured(1, ca));
  const auto two = rig.start(secured(2, ca));
  one->knows(*two);
  REQUIRE(one->sees(*two, link_state::up));
  REQUIRE(two->sees(*one, link_state::up));
  const std::vector<size_t> sizes{
    0, 1, 600, 16'384, 16'385, 300'000, 5'000'000};
  for (uint64_t i = 0; i < 2000; ++i) {
    auto e = message_of(conversation::replica, i, "message");
    e.runs = {
      shared_bytes::copy_of(std::string(i < sizes.size() ? sizes[i] : i, 'r'))};
    one->link->send(node_id{2}, std::move(e));
    two->link->send(node_id{1}, message_of(conversation::raft, i, "vote"));
  }
  REQUIRE(two->post->wait_for_messages(2000));
  REQUIRE(one->post->wait_for_messages(2000));
  for (size_t i = 0; i < 2000; ++i) {
    const auto& got = two->post->messages[i].message;
    REQUIRE(got.request_id == i);
    REQUIRE(got.runs.size() == 1);
    const auto size = i < sizes.size() ? sizes[i] : i;
    REQUIRE((got.runs[0].text() == std::string(size, 'r')));
    REQUIRE(one->post->messages[i].message.request_id == i);
  }
}

TEST_CASE("a node over TLS that ends is refused, and comes back",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto ca = authority();
  const auto one = rig.start(secured(1, ca));
  auto two = rig.start(secured(2, ca));
  one->knows(*two);
  REQUIRE(one->sees(*two, link_state::up));
  auto again = secured(2, ca);
  again.incarnation = 2;
  again.listen = two->link->bound();
  two.reset();
  REQUIRE(one->post->wait_for_state(node_id{2}, link_state::refused));
  two = rig.start(again);
  CHECK(one->sees(*two, link_state::up));
}

TEST_CASE("a certificate of another authority is refused on both sides",
  "[actors][tcp_link]") {
  link_rig rig;
  const auto one = rig.start(secured(1, authority()));
  const auto two = rig.start(secured(2, authority()));
  check_apart(*one, *two);
}

TEST_CASE(
  "a node with another node's certificate is refused", "[actors][tcp_link]") {
  link_rig rig;
  const auto ca = authority();
  const auto one = rig.start(secured(1, ca));
  const auto two = rig.start(secured(2, identity(ca, "node-3")));
  check_apart(*one, *two);
}

TEST_CASE(
  "a node in plain text does not meet one with TLS", "[actors][tcp_link]") {
  link_rig rig;
  const auto secure = rig.start(secured(1, authority()));
  const auto plain = rig.start(2);
  SECTION("when it dials") {
    plain->knows(*secure);
  }
  SECTION("when it is dialed") {
    secure->knows(*plain);
  }
  REQUIRE(secure->post->wait([&] {
    return secure->link->counters().refused > 0
           && plain->link->counters().refused > 0;
  }));
  CHECK(secure->post->states_of(node_id{2}).empty());
  CHECK(plain->post->states_of(node_id{1}).empty());
}

TEST_CASE("an expired certificate is told at the start, and refused by others",
  "[actors][tcp_link]") {
  const auto ca = authority();
  auto made
    = make_tls_certificate(ca, {"node-1"}, {.begins_s = -7200, .ends_s = -60});
  REQUIRE(made);
  const auto refused
    = tls_context::create({ca.certificate, made->certificate, made->key});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().context.find("expired") != std::string::npos);
}

TEST_CASE("a client that says nothing, or garbage, to a TLS port is let go",
  "[actors][tcp_link]") {
  link_rig rig;
  auto options = secured(1, authority());
  options.hello_ms = 100;
  const auto one = rig.start(options);
  for (const char* says : {"", "garbage, and no TLS at all\r\n",
         "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02"}) {
    auto client = blocking_socket::connect(one->link->bound(), timeout_ms);
    REQUIRE(client);
    REQUIRE(client->write_all(says, timeout_ms));
    std::array<std::byte, 256> part{};
    for (;;) {
      const auto got = client->read_some(part, timeout_ms);
      if (!got)
        CHECK(got.error().context.find("timed out") == std::string::npos);
      if (!got || *got == 0)
        break;
    }
  }
  CHECK(one->link->counters().refused == 4);
}
