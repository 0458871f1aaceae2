#include "schema/link_hello.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

// Little-endian, as all between nodes. A hello, 72 bytes and the host:
//   0 u32 magic "MRH1"   4 u32 bytes of all, a multiple of 8
//   8 u16 wire_min      10 u16 wire_max  12 u8 lane  13 u8*3 zeros
//  16 u64*2 cluster     32 i32 node      36 i32 wanted
//  40 u64*2 directory   56 u64 incarnation
//  64 u16 port          66 u16 bytes of the host  68 u32 zero
//  72 the host, zeros up to a multiple of 8
// A refusal: magic "MRN1", u32 bytes of all, u32 bytes of the sentence, u32
// zero, the sentence. A ping: magic "MRP1" and 12 zeros.
constexpr uint32_t hello_magic = 0x3148524d;
constexpr uint32_t refusal_magic = 0x314e524d;
constexpr uint32_t ping_magic = 0x3150524d;
constexpr size_t hello_fixed = 72;
constexpr size_t refusal_fixed = 16;
constexpr size_t host_bytes_max = 255; // a name in DNS, RFC 1035

template <class Int>
void put(std::string& to, Int value) {
  for (size_t i = 0; i < sizeof(Int); ++i)
    to += static_cast<char>(value >> (8 * i));
}

template <class Int>
Int get(const std::byte* from) {
  Int value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i)
    value |= static_cast<Int>(static_cast<Int>(from[i]) << (8 * i));
  return value;
}

size_t padded(size_t n) {
  return (n + 7) / 8 * 8;
}

error corrupt(const std::string& what) {
  return {errc::corrupt, "greeting of a node: " + what};
}

uuid uuid_at(const std::byte* from) {
  return {get<uint64_t>(from), get<uint64_t>(from + 8)};
}

std::string_view text_at(const shared_bytes& frame, size_t at, size_t size) {
  return frame.text().substr(at, size);
}

result<link_greeting> decode_hello(const shared_bytes& frame) {
  const auto* from = frame.data();
  if (frame.size() < hello_fixed)
    return corrupt("a hello of " + std::to_string(frame.size()) + " bytes");
  link_greeting greeting;
  auto& hello = greeting.hello;
  hello.wire_min = get<uint16_t>(from + 8);
  hello.wire_max = get<uint16_t>(from + 10);
  const auto lane = get<uint8_t>(from + 12);
  if (lane > static_cast<uint8_t>(link_lane::bulk))
    return error{errc::unsupported,
      "greeting of a node: a connection for purpose " + std::to_string(lane)};
  hello.lane = static_cast<link_lane>(lane);
  hello.cluster = uuid_at(from + 16);
  hello.node.value = static_cast<int32_t>(get<uint32_t>(from + 32));
  hello.wanted.value = static_cast<int32_t>(get<uint32_t>(from + 36));
  hello.directory = uuid_at(from + 40);
  hello.incarnation = get<uint64_t>(from + 56);
  hello.port = get<uint16_t>(from + 64);
  const size_t host = get<uint16_t>(from + 66);
  // A longer hello is one of a later release that says more.
  if (host > host_bytes_max || hello_fixed + host > frame.size())
    return corrupt("a host of " + std::to_string(host) + " bytes");
  hello.host = text_at(frame, hello_fixed, host);
  if (std::any_of(hello.host.begin(), hello.host.end(), [](char c) {
        return c <= ' ' || c > '~';
      }))
    return corrupt("a host with characters that no host has");
  if (hello.node.value < 0 || hello.wire_min > hello.wire_max)
    return corrupt("a negative node id, or no wire version at all");
  return greeting;
}

result<link_greeting> decode_refusal(const shared_bytes& frame) {
  if (frame.size() < refusal_fixed)
    return corrupt("a refusal of " + std::to_string(frame.size()) + " bytes");
  const size_t size = get<uint32_t>(frame.data() + 8);
  if (size == 0 || size > frame.size() - refusal_fixed)
    return corrupt("a refusal without a sentence");
  link_greeting greeting;
  greeting.refusal = text_at(frame, refusal_fixed, size);
  return greeting;
}

} // namespace

const char* to_string(link_lane lane) {
  return lane == link_lane::control ? "control" : "bulk";
}

link_lane lane_of(conversation c) {
  // What users say may be large, and is never urgent for the cluster itself.
  return c == conversation::replica || c == conversation::custom
           ? link_lane::bulk
           : link_lane::control;
}

std::string encode(const link_hello& hello) {
  const auto host = hello.host.substr(0, host_bytes_max);
  const auto size = hello_fixed + padded(host.size());
  std::string out;
  out.reserve(size);
  put<uint32_t>(out, hello_magic);
  put<uint32_t>(out, static_cast<uint32_t>(size));
  put<uint16_t>(out, hello.wire_min);
  put<uint16_t>(out, hello.wire_max);
  put<uint32_t>(out, static_cast<uint8_t>(hello.lane));
  put<uint64_t>(out, hello.cluster.high);
  put<uint64_t>(out, hello.cluster.low);
  put<uint32_t>(out, static_cast<uint32_t>(hello.node.value));
  put<uint32_t>(out, static_cast<uint32_t>(hello.wanted.value));
  put<uint64_t>(out, hello.directory.high);
  put<uint64_t>(out, hello.directory.low);
  put<uint64_t>(out, hello.incarnation);
  put<uint16_t>(out, hello.port);
  put<uint16_t>(out, static_cast<uint16_t>(host.size()));
  put<uint32_t>(out, 0);
  out += host;
  out.resize(size, '\0');
  return out;
}

std::string encode_refusal(std::string_view why) {
  why = why.substr(0, greeting_bytes_max - refusal_fixed);
  const auto size = refusal_fixed + padded(why.size());
  std::string out;
  put<uint32_t>(out, refusal_magic);
  put<uint32_t>(out, static_cast<uint32_t>(size));
  put<uint32_t>(out, static_cast<uint32_t>(why.size()));
  put<uint32_t>(out, 0);
  out += why;
  out.resize(size, '\0');
  return out;
}

std::string encode_ping() {
  std::string out;
  put<uint32_t>(out, ping_magic);
  out.resize(ping_bytes, '\0');
  return out;
}

result<size_t> measure_greeting(std::span<const std::byte> begun) {
  if (begun.size() < 4)
    return size_t{0};
  const auto magic = get<uint32_t>(begun.data());
  if (magic != hello_magic && magic != refusal_magic)
    return error{errc::unsupported, "what came is no greeting of a node"};
  if (begun.size() < 8)
    return size_t{0};
  const size_t size = get<uint32_t>(begun.data() + 4);
  if (size < refusal_fixed || size > greeting_bytes_max || size % 8 != 0)
    return corrupt("it declares " + std::to_string(size) + " bytes");
  return size;
}

result<link_greeting> decode_greeting(const shared_bytes& frame) {
  if (frame.size() < refusal_fixed)
    return corrupt("it ends too early");
  if (get<uint32_t>(frame.data()) == hello_magic)
    return decode_hello(frame);
  return decode_refusal(frame);
}

result<size_t> measure_link_frame(
  std::span<const std::byte> begun, const envelope_limits& limits) {
  if (begun.size() < 4)
    return size_t{0};
  switch (get<uint32_t>(begun.data())) {
  case ping_magic:
    return ping_bytes;
  case refusal_magic:
    return measure_greeting(begun);
  default:
    return measure_envelope(begun, limits);
  }
}

link_frame kind_of(const shared_bytes& frame) {
  MILLRACE_ASSERT(frame.size() >= 4, "a measured frame has its magic");
  switch (get<uint32_t>(frame.data())) {
  case ping_magic:
    return link_frame::ping;
  case refusal_magic:
    return link_frame::refusal;
  default:
    return link_frame::envelope;
  }
}

} // namespace millrace
