#pragma once

// The one thing that travels between nodes: a Cap'n Proto message of some
// conversation, with raw runs of bytes (record batches) beside it, which are
// not copied into the message (R29). docs/formats/node-messages.md has the
// frame.

#include "schema/outgoing.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

/// Which schema/*.capnp file a message belongs to. Never renumbered.
enum class conversation : uint16_t {
  raft = 1,
  replica = 2,
  controller = 3,
  group = 4,  ///< forming and joining a consensus group
  custom = 5, ///< users' own actors
  transactions = 6,
  shares = 7,
};

[[nodiscard]] const char* to_string(conversation c);

struct envelope {
  millrace::conversation conversation{};
  /// Chosen by who asks; the answer carries it back.
  uint64_t request_id = 0;
  bool is_answer = false;
  shared_bytes message;
  std::vector<shared_bytes> runs;
};

/// Bounds of one frame; a frame beyond them is refused before it is read.
struct envelope_limits {
  size_t message_bytes_max = 8u << 20;
  size_t run_count_max = 65536;
  size_t runs_bytes_max = 128u << 20;
};

/// The frame's head: everything but the bytes of message and runs. Followed
/// on the wire by the message, then by each run padded to 8 bytes.
[[nodiscard]] shared_bytes encode_head(const envelope& e);
/// The whole frame in one block.
[[nodiscard]] shared_bytes encode(const envelope& e);

/// The whole frame for a socket: what is large in it is not copied.
[[nodiscard]] outgoing to_outgoing(const envelope& e);
/// How long the frame of `e` is.
[[nodiscard]] size_t frame_size(const envelope& e);

/// How long the frame is that begins with `begun`, judged by its first 32
/// bytes; 0 when fewer are there.
/// Errors: unsupported, too_large, corrupt.
[[nodiscard]] result<size_t> measure_envelope(
  std::span<const std::byte> begun, const envelope_limits& limits = {});

/// Reads one whole frame; message and runs share its block, the message
/// 8-aligned if the frame is 16-aligned.
/// Errors: truncated, corrupt, too_large, unsupported (a newer version, an
/// unknown conversation).
[[nodiscard]] result<envelope> decode_envelope(
  const shared_bytes& frame, const envelope_limits& limits = {});

} // namespace millrace
