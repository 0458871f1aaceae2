#include "schema/link_hello.hpp"

#include <catch2/catch.hpp>

using namespace millrace;

namespace {

link_hello sample() {
  return {.lane = link_lane::control,
    .cluster = {1, 2},
    .node = node_id{2},
    .wanted = node_id{1},
    .directory = {100, 2},
    .incarnation = 5,
    .host = "host",
    .port = 9393};
}

result<link_greeting> decode(const std::string& bytes) {
  return decode_greeting(shared_bytes::copy_of(bytes));
}

result<size_t> measure(std::string_view bytes) {
  return measure_greeting(std::as_bytes(std::span{bytes}));
}

errc refusal_of(const std::string& bytes) {
  const auto got = decode(bytes);
  return got ? errc::none : got.error().code;
}

std::string with(std::string bytes, size_t at, char value) {
  bytes[at] = value;
  return bytes;
}

} // namespace

TEST_CASE("a hello is the bytes of docs/formats/node-messages.md, and back",
  "[schema][link_hello]") {
  const std::vector<unsigned char> expected{0x4d, 0x52, 0x48, 0x31, 0x50, 0, 0,
    0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
    2, 0, 0, 0, 1, 0, 0, 0, 0x64, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
    5, 0, 0, 0, 0, 0, 0, 0, 0xb1, 0x24, 4, 0, 0, 0, 0, 0, 'h', 'o', 's', 't', 0,
    0, 0, 0};
  const auto bytes = encode(sample());
  CHECK((bytes == std::string{expected.begin(), expected.end()}));
  const auto back = decode(bytes);
  REQUIRE(back);
  CHECK(back->hello == sample());
  CHECK(back->refusal.empty());
  // The documentation names the cluster so.
  CHECK(to_string(sample().cluster) == "AAAAAAAAAAEAAAAAAAAAAg");
}

TEST_CASE("a hello without a host, or in the bulk lane, comes back",
  "[schema][link_hello]") {
  auto hello = sample();
  hello.host.clear();
  hello.lane = link_lane::bulk;
  hello.wire_max = 7;
  const auto back = decode(encode(hello));
  REQUIRE(back);
  CHECK(back->hello == hello);
}

TEST_CASE("a longer hello of a later release is read as far as it is known",
  "[schema][link_hello]") {
  auto bytes = encode(sample()) + std::string(16, 'x');
  bytes[4] = static_cast<char>(bytes.size());
  REQUIRE(measure(bytes));
  CHECK(*measure(bytes) == bytes.size());
  const auto back = decode(bytes);
  REQUIRE(back);
  CHECK(back->hello == sample());
}

TEST_CASE("a refusal carries its sentence, cut to what a greeting may hold",
  "[schema][link_hello]") {
  const auto back = decode(encode_refusal("not you"));
  REQUIRE(back);
  CHECK(back->refusal == "not you");
  const auto longest = encode_refusal(std::string(5000, 'x'));
  CHECK(longest.size() == greeting_bytes_max);
  CHECK(decode(longest)->refusal == std::string(1008, 'x'));
}

TEST_CASE(
  "a greeting is measured by its first eight bytes", "[schema][link_hello]") {
  const auto bytes = encode(sample());
  for (size_t size = 0; size < 8; ++size)
    CHECK(*measure(bytes.substr(0, size)) == 0);
  CHECK(*measure(bytes.substr(0, 8)) == bytes.size());
  CHECK(measure("GET ").error().code == errc::unsupported);
  CHECK(measure(with(bytes, 6, 1)).error().code == errc::corrupt); // 64 KiB
  CHECK(measure(with(bytes, 4, 8)).error().code == errc::corrupt); // too short
  CHECK(measure(with(bytes, 4, 81)).error().code == errc::corrupt);
}

TEST_CASE("what no node says is refused", "[schema][link_hello]") {
  const auto bytes = encode(sample());
  CHECK(refusal_of(bytes.substr(0, 16)) == errc::corrupt);
  CHECK(refusal_of(bytes.substr(0, 8)) == errc::corrupt);
  CHECK(refusal_of(with(bytes, 12, 2)) == errc::unsupported); // the lane
  CHECK(refusal_of(with(bytes, 66, 9)) == errc::corrupt);     // beyond its end
  CHECK(refusal_of(with(bytes, 67, 1)) == errc::corrupt);
  CHECK(refusal_of(with(bytes, 72, '\n')) == errc::corrupt);   // in the host
  CHECK(refusal_of(with(bytes, 35, '\x80')) == errc::corrupt); // node < 0
  CHECK(refusal_of(with(bytes, 8, 2)) == errc::corrupt); // versions 2 to 1
  const auto no = encode_refusal("no");
  CHECK(refusal_of(with(no, 8, 0)) == errc::corrupt);
  CHECK(refusal_of(with(no, 8, 9)) == errc::corrupt);
}

TEST_CASE("pings, refusals and envelopes are told apart and measured",
  "[schema][link_hello]") {
  auto measured = [](std::string_view bytes) {
    return measure_link_frame(std::as_bytes(std::span{bytes}), {});
  };
  auto kind = [](const std::string& bytes) {
    return kind_of(shared_bytes::copy_of(bytes));
  };
  const auto ping = encode_ping();
  CHECK(*measured(ping.substr(0, 3)) == 0);
  CHECK(*measured(ping) == ping_bytes);
  CHECK(kind(ping) == link_frame::ping);
  CHECK(*measured(encode_refusal("no")) == encode_refusal("no").size());
  CHECK(kind(encode_refusal("no")) == link_frame::refusal);
  envelope e;
  e.conversation = conversation::raft;
  e.message = shared_bytes::copy_of("12345");
  e.runs = {shared_bytes::copy_of("run")};
  const auto frame = encode(e);
  CHECK(*measured(frame.text().substr(0, 31)) == 0);
  CHECK(*measured(frame.text().substr(0, 32)) == frame.size());
  CHECK(frame_size(e) == frame.size());
  CHECK(kind(std::string{frame.text()}) == link_frame::envelope);
  CHECK_FALSE(measured(std::string(40, 'x')));
}

TEST_CASE(
  "heartbeats and records take different lanes", "[schema][link_hello]") {
  CHECK(lane_of(conversation::raft) == link_lane::control);
  CHECK(lane_of(conversation::controller) == link_lane::control);
  CHECK(lane_of(conversation::replica) == link_lane::bulk);
  CHECK(lane_of(conversation::custom) == link_lane::bulk);
}
