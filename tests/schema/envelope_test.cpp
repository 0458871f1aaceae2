#include "schema/capnp_bytes.hpp"
#include "schema/controller.capnp.h"
#include "schema/envelope.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace millrace;

namespace {

envelope sample() {
  envelope e;
  e.conversation = conversation::replica;
  e.request_id = 0x0102030405060708ull;
  e.is_answer = true;
  e.message = shared_bytes::copy_of("16 bytes of text");
  e.runs = {shared_bytes::copy_of("abc"), shared_bytes{},
    shared_bytes::copy_of(std::string(4097, 'x'))};
  return e;
}

void put_u32(const shared_bytes& frame, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i)
    frame.writable()[at + i] = static_cast<std::byte>(value >> (8 * i));
}

errc refusal_of(const shared_bytes& frame, const envelope_limits& limits = {}) {
  const auto e = decode_envelope(frame, limits);
  return e.ok() ? errc::none : e.error().code;
}

} // namespace

TEST_CASE("an envelope comes back with its runs, without copying them",
  "[schema][envelope]") {
  const auto e = sample();
  const auto frame = encode(e);
  const auto back = decode_envelope(frame);
  REQUIRE(back.ok());
  CHECK(back->conversation == e.conversation);
  CHECK(back->request_id == e.request_id);
  CHECK(back->is_answer);
  CHECK(back->message == e.message);
  CHECK(back->runs == e.runs);
  CHECK(back->runs[2].data() > frame.data());
  CHECK(back->runs[2].data() < frame.data() + frame.size());
}

TEST_CASE(
  "the head alone is the beginning of the frame", "[schema][envelope]") {
  const auto e = sample();
  const auto head = encode_head(e);
  // 32 bytes and 4 for each of three runs, padded to a multiple of 16.
  CHECK(head.size() == 48);
  CHECK(encode(e).slice(0, head.size()) == head);
}

TEST_CASE("an envelope's message lies where Cap'n Proto can read it",
  "[schema][envelope]") {
  for (size_t runs = 0; runs < 9; ++runs) {
    auto e = sample();
    e.runs.assign(runs, shared_bytes::copy_of("run"));
    const auto back = decode_envelope(encode(e));
    REQUIRE(back.ok());
    CHECK(reinterpret_cast<uintptr_t>(back->message.data()) % 16 == 0);
  }
}

TEST_CASE(
  "an envelope of one byte more or less is refused", "[schema][envelope]") {
  const auto frame = encode(sample());
  for (size_t size = 0; size < frame.size(); ++size)
    REQUIRE(refusal_of(frame.slice(0, size)) == errc::truncated);
  auto longer = shared_bytes::allocate(frame.size() + 1);
  std::memcpy(longer.data(), frame.data(), frame.size());
  CHECK(refusal_of(longer) == errc::corrupt);
}

TEST_CASE("an envelope beyond the limits is refused before it is read",
  "[schema][envelope]") {
  envelope_limits limits;
  limits.message_bytes_max = 16;
  limits.run_count_max = 3;
  limits.runs_bytes_max = 4100;
  CHECK(refusal_of(encode(sample()), limits) == errc::none);
  limits.message_bytes_max = 15;
  CHECK(refusal_of(encode(sample()), limits) == errc::too_large);
  limits.message_bytes_max = 16;
  limits.run_count_max = 2;
  CHECK(refusal_of(encode(sample()), limits) == errc::too_large);
  limits.run_count_max = 3;
  limits.runs_bytes_max = 4099;
  CHECK(refusal_of(encode(sample()), limits) == errc::too_large);
}

TEST_CASE("an envelope with lying lengths is refused", "[schema][envelope]") {
  auto frame = encode(sample());
  put_u32(frame, 16, 17);
  CHECK(refusal_of(frame) == errc::corrupt);
  frame = encode(sample());
  put_u32(frame, 20, 0xffffffff);
  CHECK(refusal_of(frame) == errc::too_large);
  frame = encode(sample());
  put_u32(frame, 32, 0xffffffff);
  CHECK(refusal_of(frame) == errc::too_large);
}

TEST_CASE("an envelope of an unknown version or conversation is unsupported",
  "[schema][envelope]") {
  auto frame = encode(sample());
  put_u32(frame, 0, 0x3245524d);
  CHECK(refusal_of(frame) == errc::unsupported);
  frame = encode(sample());
  frame.writable()[4] = std::byte{99};
  CHECK(refusal_of(frame) == errc::unsupported);
  frame = encode(sample());
  frame.writable()[6] = std::byte{2};
  CHECK(refusal_of(frame) == errc::unsupported);
}

TEST_CASE("damaged envelopes are refused or read, and never harm",
  "[schema][envelope]") {
  std::mt19937 random{7};
  const auto good = encode(sample());
  for (int round = 0; round < 5000; ++round) {
    const auto frame = shared_bytes::copy_of(good.span());
    frame.writable()[random() % 64] = static_cast<std::byte>(random());
    const auto back = decode_envelope(frame);
    if (back)
      CHECK(back->runs.size() <= 65536);
  }
}

TEST_CASE("an ISR change names every member's broker epoch (R3)",
  "[schema][envelope]") {
  capnp::MallocMessageBuilder message;
  auto change = message.initRoot<wire::ControllerMessage>().initChangeIsr();
  change.setPartitionEpoch(5);
  auto isr = change.initIsr(2);
  isr[0].setBrokerEpoch(31);
  isr[1].setBrokerEpoch(32);
  const auto back = read_capnp<wire::ControllerMessage>(
    to_shared_bytes(message), "controller message",
    [](wire::ControllerMessage::Reader m) -> result<int64_t> {
      return m.getChangeIsr().getIsr()[1].getBrokerEpoch();
    });
  REQUIRE(back.ok());
  CHECK(*back == 32);
}

TEST_CASE(
  "an envelope for a socket has the bytes of its frame", "[schema][envelope]") {
  for (const size_t size : {0, 5, 512, 513, 950, 5000}) {
    auto e = sample();
    e.runs.push_back(shared_bytes::copy_of(std::string(size, 'y')));
    e.message = shared_bytes::copy_of(std::string(size, 'm'));
    for (const bool large : {true, false}) {
      if (!large)
        e.runs.erase(e.runs.begin() + 2); // the one of 4097 bytes
      const auto out = to_outgoing(e);
      const auto flat = flatten(out);
      REQUIRE(flat.ok());
      CHECK((*flat == encode(e).text()));
      CHECK(out.size() == frame_size(e));
    }
  }
}

TEST_CASE("what is large in an envelope for a socket is not copied",
  "[schema][envelope]") {
  const auto e = sample();
  const auto out = to_outgoing(e);
  REQUIRE(out.inserts.size() == 1);
  CHECK(out.inserts[0].bytes.data() == e.runs[2].data());
}

TEST_CASE(
  "an envelope's length is known by its first 32 bytes", "[schema][envelope]") {
  const auto frame = encode(sample());
  for (size_t size = 0; size < 32; ++size)
    CHECK(*measure_envelope(frame.slice(0, size).span()) == 0);
  CHECK(*measure_envelope(frame.slice(0, 32).span()) == frame.size());
  auto refusal = [](const shared_bytes& bytes, const envelope_limits& limits) {
    const auto size = measure_envelope(bytes.span(), limits);
    return size.ok() ? errc::none : size.error().code;
  };
  CHECK(refusal(frame, {.message_bytes_max = 15}) == errc::too_large);
  CHECK(refusal(frame, {.run_count_max = 2}) == errc::too_large);
  CHECK(refusal(frame, {.message_bytes_max = 16, .runs_bytes_max = 4000})
        == errc::too_large);
  auto huge = shared_bytes::copy_of(frame.span());
  huge.writable()[31] = std::byte{0xff}; // 2^63 bytes and more follow
  CHECK(refusal(huge, {}) == errc::too_large);
}
