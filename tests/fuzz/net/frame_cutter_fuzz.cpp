// The frame cutter against the simplest one there is: whatever the pieces in
// which a stream arrives, its frames are the same, and no declared length
// makes the cutter hold much more than what came.
#include "net/frame_cutter.hpp"
#include "net/protocol_sniffer.hpp"
#include "schema/assert.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace millrace;

constexpr uint32_t frame_bytes_max = 1 << 15;

struct outcome {
  std::vector<std::string> frames;
  bool refused = false;
};

/// The whole stream at once, as the definition says.
outcome cut_plainly(std::string_view stream) {
  outcome out;
  while (stream.size() >= 4) {
    uint32_t size = 0;
    for (size_t i = 0; i < 4; ++i)
      size = size << 8 | static_cast<uint8_t>(stream[i]);
    out.refused = size > frame_bytes_max;
    if (out.refused || stream.size() - 4 < size)
      break;
    out.frames.emplace_back(stream.substr(4, size));
    stream.remove_prefix(4 + size);
  }
  return out;
}

/// What a lost client is told never fails, whatever it sent.
void sniff(std::span<const std::byte> bytes) {
  const auto spoken = sniff_protocol(bytes);
  MILLRACE_ASSERT(!explain_on_kafka_port(spoken, "here:9092").empty(),
    "there is a sentence for the log");
  static_cast<void>(answer_on_kafka_port(spoken, "here:9092"));
}

/// The same by the cutter, in pieces of `step` bytes and a few more.
outcome cut_in_pieces(std::string_view stream, size_t step) {
  chunk_pool pool{4096, 2};
  frame_cutter cutter{pool, frame_bytes_max};
  outcome out;
  std::vector<shared_bytes> frames;
  size_t since_frame = 0;
  while (!stream.empty() && !out.refused) {
    const auto into = cutter.prepare();
    MILLRACE_ASSERT(!into.empty(), "there is always room for a read");
    const auto size = std::min({stream.size(), into.size(), step});
    std::memcpy(into.data(), stream.data(), size);
    stream.remove_prefix(size);
    const auto before = frames.size();
    out.refused = !cutter.consume(size, frames);
    since_frame = frames.size() == before ? since_frame + size : size;
    MILLRACE_ASSERT(
      cutter.held_bytes() <= std::max<size_t>(4096, 4 * since_frame),
      "what is held follows from what has arrived");
    step = step * 7 % 4099 + 1;
  }
  if (out.refused)
    sniff(cutter.refused());
  for (const auto& frame : frames)
    out.frames.emplace_back(frame.text());
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1)
    return 0;
  const std::string_view stream{
    reinterpret_cast<const char*>(data + 1), size - 1};
  const auto expected = cut_plainly(stream);
  const auto got = cut_in_pieces(stream, size_t{data[0]} + 1);
  MILLRACE_ASSERT(expected.refused == got.refused, "both refuse, or none");
  MILLRACE_ASSERT(expected.frames == got.frames, "the frames are the same");
  return 0;
}
