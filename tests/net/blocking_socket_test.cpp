#include "net/blocking_socket.hpp"
#include "tests/net/loop_rig.hpp"

#include <catch2/catch.hpp>

using namespace millrace;
using namespace std::string_literals;

TEST_CASE("a port where nobody listens is an error that names it",
  "[net][blocking_socket]") {
  uint16_t port = loop_rig{}.port; // Free again.
  auto client = blocking_socket::connect({"127.0.0.1", port}, 1000);
  REQUIRE_FALSE(client);
  CHECK(
    client.error().context
    == "connect to 127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST_CASE(
  "localhost is reached where only ::1 listens", "[net][blocking_socket]") {
  loop_rig rig;
  auto bound = rig.loop->listen({"::1", 0}, rig.accepting());
  REQUIRE(bound);
  auto client = blocking_socket::connect({"localhost", *bound}, 1000);
  REQUIRE(client);
  CHECK(client->remote().host == "::1");
}

TEST_CASE("a frame is read whole, and one above the limit is refused",
  "[net][blocking_socket]") {
  loop_rig rig;
  auto client = rig.connect();
  rig.sessions[0]->at->send({"\0\0\0\5hello\0\0\0\6world!"s, {}});
  rig.loop->flush();
  auto frame = client.read_frame(5, 1000);
  REQUIRE(frame);
  CHECK(frame->text() == "hello");
  auto refused = client.read_frame(5, 1000);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::too_large);
}

TEST_CASE("an answer that does not come times out", "[net][blocking_socket]") {
  loop_rig rig;
  auto client = rig.connect();
  std::array<std::byte, 1> one{};
  auto before = steady_ms();
  auto got = client.read_exact(one, 30);
  REQUIRE_FALSE(got);
  CHECK(got.error().context.find("timed out") != std::string::npos);
  CHECK(steady_ms() - before >= 29);
}

TEST_CASE("a peer that closes early is told from one that is slow",
  "[net][blocking_socket]") {
  loop_rig rig;
  auto client = rig.connect();
  rig.sessions[0]->at->send({"ab", {}});
  rig.sessions[0]->at->close_after_flush();
  rig.loop->flush();
  std::array<std::byte, 5> five{};
  auto got = client.read_exact(five, 1000);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == errc::truncated);
  CHECK(got.error().context.find("3 bytes missing") != std::string::npos);
}
