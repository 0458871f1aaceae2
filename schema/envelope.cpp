#include "schema/envelope.hpp"

#include <cstring>
#include <string>

namespace millrace {

namespace {

// All numbers little-endian, as in Cap'n Proto. Fixed part, 32 bytes:
//   0 u32 magic "MRE1"   4 u16 conversation   6 u16 flags (1: answer)
//   8 u64 request id    16 u32 message bytes  20 u32 run count
//  24 u64 frame bytes after the head
// then u32 for the size of each run, padded to 16 bytes with zeros.
constexpr uint32_t magic = 0x3145524d;
constexpr size_t fixed_size = 32;
constexpr uint16_t answer_flag = 1;

/// A frame up to this size is copied for sending as a whole; of a larger one
/// the parts up to the second size are: cheaper than a piece of their own in
/// the system call.
constexpr size_t copied_whole_bytes = 1024;
constexpr size_t copied_part_bytes = 512;

struct fixed_head {
  conversation about{};
  bool is_answer = false;
  uint64_t request_id = 0;
  size_t message_size = 0;
  size_t run_count = 0;
  uint64_t body = 0;
};

size_t padded(size_t n, size_t to) {
  return (n + to - 1) / to * to;
}

size_t head_size(size_t run_count) {
  return padded(fixed_size + 4 * run_count, 16);
}

template <class Int>
void put(std::byte* to, Int value) {
  for (size_t i = 0; i < sizeof(Int); ++i)
    to[i] = static_cast<std::byte>(value >> (8 * i));
}

template <class Int>
Int get(const std::byte* from) {
  Int value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i)
    value |= static_cast<Int>(static_cast<Int>(from[i]) << (8 * i));
  return value;
}

uint64_t body_size(const envelope& e) {
  uint64_t size = padded(e.message.size(), 8);
  for (const auto& run : e.runs)
    size += padded(run.size(), 8);
  return size;
}

void write_head(std::byte* to, const envelope& e) {
  put<uint32_t>(to, magic);
  put<uint16_t>(to + 4, static_cast<uint16_t>(e.conversation));
  put<uint16_t>(to + 6, e.is_answer ? answer_flag : 0);
  put<uint64_t>(to + 8, e.request_id);
  put<uint32_t>(to + 16, static_cast<uint32_t>(e.message.size()));
  put<uint32_t>(to + 20, static_cast<uint32_t>(e.runs.size()));
  put<uint64_t>(to + 24, body_size(e));
  for (size_t i = 0; i < e.runs.size(); ++i)
    put<uint32_t>(
      to + fixed_size + 4 * i, static_cast<uint32_t>(e.runs[i].size()));
}

error frame_error(errc code, const std::string& what) {
  return {code, "message between nodes: " + what};
}

// The fixed part of the head; `from` has its 32 bytes.
result<fixed_head> read_fixed(
  const std::byte* from, const envelope_limits& limits) {
  if (get<uint32_t>(from) != magic)
    return frame_error(errc::unsupported, "not of a version known here");
  fixed_head head;
  head.about = static_cast<conversation>(get<uint16_t>(from + 4));
  switch (head.about) {
  case conversation::raft:
  case conversation::replica:
  case conversation::controller:
  case conversation::group:
  case conversation::custom:
  case conversation::transactions:
  case conversation::shares:
    break;
  default:
    return frame_error(errc::unsupported,
      "conversation " + std::to_string(get<uint16_t>(from + 4))
        + " is not known here");
  }
  const auto flags = get<uint16_t>(from + 6);
  if ((flags & ~answer_flag) != 0)
    return frame_error(errc::unsupported, "unknown flags");
  head.is_answer = (flags & answer_flag) != 0;
  head.request_id = get<uint64_t>(from + 8);
  head.message_size = get<uint32_t>(from + 16);
  head.run_count = get<uint32_t>(from + 20);
  head.body = get<uint64_t>(from + 24);
  if (head.message_size > limits.message_bytes_max)
    return frame_error(errc::too_large,
      std::to_string(head.message_size) + " bytes of message, at most "
        + std::to_string(limits.message_bytes_max));
  if (head.run_count > limits.run_count_max)
    return frame_error(
      errc::too_large, std::to_string(head.run_count) + " runs");
  return head;
}

} // namespace

const char* to_string(conversation c) {
  switch (c) {
  case conversation::raft:
    return "raft";
  case conversation::replica:
    return "replica";
  case conversation::controller:
    return "controller";
  case conversation::group:
    return "group";
  case conversation::custom:
    return "custom";
  case conversation::transactions:
    return "transactions";
  case conversation::shares:
    return "shares";
  }
  return "unknown";
}

shared_bytes encode_head(const envelope& e) {
  auto head = shared_bytes::allocate(head_size(e.runs.size()));
  std::memset(head.data(), 0, head.size());
  write_head(head.data(), e);
  return head;
}

shared_bytes encode(const envelope& e) {
  const auto head = head_size(e.runs.size());
  auto frame = shared_bytes::allocate(head + body_size(e));
  std::memset(frame.data(), 0, frame.size());
  write_head(frame.data(), e);
  auto* to = frame.data() + head;
  auto append = [&to](const shared_bytes& part) {
    if (!part.empty())
      std::memcpy(to, part.data(), part.size());
    to += padded(part.size(), 8);
  };
  append(e.message);
  for (const auto& run : e.runs)
    append(run);
  return frame;
}

outgoing to_outgoing(const envelope& e) {
  outgoing out;
  const auto head = encode_head(e);
  const auto size = head.size() + body_size(e);
  out.bytes.reserve(
    size <= copied_whole_bytes ? size : head.size() + copied_whole_bytes);
  out.bytes += head.text();
  const auto most = size <= copied_whole_bytes ? size : copied_part_bytes;
  auto append = [&](const shared_bytes& part) {
    if (part.size() <= most)
      out.bytes += part.text();
    else
      out.inserts.push_back({out.bytes.size(), part, {}});
    out.bytes.append(padded(part.size(), 8) - part.size(), '\0');
  };
  append(e.message);
  for (const auto& run : e.runs)
    append(run);
  return out;
}

size_t frame_size(const envelope& e) {
  return head_size(e.runs.size()) + body_size(e);
}

result<size_t> measure_envelope(
  std::span<const std::byte> begun, const envelope_limits& limits) {
  if (begun.size() < fixed_size)
    return size_t{0};
  const auto head = read_fixed(begun.data(), limits);
  if (!head)
    return head.error();
  // As much as the parts may be, padding included; which they are is seen
  // when all is there.
  const auto most = padded(limits.message_bytes_max, 8) + limits.runs_bytes_max
                    + 8 * head->run_count;
  if (head->body > most)
    return frame_error(errc::too_large, std::to_string(head->body) + " bytes");
  return head_size(head->run_count) + head->body;
}

result<envelope> decode_envelope(
  const shared_bytes& frame, const envelope_limits& limits) {
  if (frame.size() < fixed_size)
    return frame_error(errc::truncated, "shorter than its head");
  const auto* from = frame.data();
  const auto head = read_fixed(from, limits);
  if (!head)
    return head.error();
  envelope e;
  e.conversation = head->about;
  e.is_answer = head->is_answer;
  e.request_id = head->request_id;
  const auto message_size = head->message_size;
  const auto run_count = head->run_count;
  size_t position = head_size(run_count);
  if (frame.size() < position)
    return frame_error(errc::truncated, "shorter than its head");
  // Every size is checked against the frame before anything is allocated.
  uint64_t runs_size = 0;
  uint64_t body = padded(message_size, 8);
  for (size_t i = 0; i < run_count; ++i) {
    const size_t size = get<uint32_t>(from + fixed_size + 4 * i);
    runs_size += size;
    body += padded(size, 8);
  }
  if (runs_size > limits.runs_bytes_max)
    return frame_error(
      errc::too_large, std::to_string(runs_size) + " bytes of records");
  if (body != head->body)
    return frame_error(errc::corrupt, "its parts are not as long as the whole");
  if (frame.size() < position + body)
    return frame_error(errc::truncated, "shorter than it says");
  if (frame.size() > position + body)
    return frame_error(errc::corrupt, "bytes after its end");
  e.message = frame.slice(position, message_size);
  position += padded(message_size, 8);
  e.runs.reserve(run_count);
  for (size_t i = 0; i < run_count; ++i) {
    const size_t size = get<uint32_t>(from + fixed_size + 4 * i);
    e.runs.push_back(frame.slice(position, size));
    position += padded(size, 8);
  }
  return e;
}

} // namespace millrace
