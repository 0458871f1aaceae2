#pragma once

// What nodes say to one another before and beside their envelopes: who is at
// each end of a connection, why one is refused, and that one is alive.
// docs/formats/node-messages.md has the bytes.

#include "schema/envelope.hpp"
#include "schema/result.hpp"
#include "schema/types.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace millrace {

/// What a connection is for. A heartbeat never waits behind a megabyte: they
/// take different ones.
enum class link_lane : uint8_t {
  control = 0, ///< raft, controller; tells whether the other node is there
  bulk = 1,    ///< replica
};

[[nodiscard]] const char* to_string(link_lane lane);
[[nodiscard]] link_lane lane_of(conversation c);

/// The first thing on a connection, in both directions.
struct link_hello {
  /// Wire versions that the sender speaks, both included.
  uint16_t wire_min = 1;
  uint16_t wire_max = 1;
  link_lane lane = link_lane::control;
  /// Zero: the sender does not know yet which cluster it belongs to.
  uuid cluster;
  node_id node{0};
  /// Whom the sender believes to talk to.
  node_id wanted{0};
  uuid directory;
  /// Grows with every start on that directory.
  uint64_t incarnation = 0;
  /// Where the sender listens for other nodes. An empty host: at the address
  /// that the receiver sees.
  std::string host;
  uint16_t port = 0;

  friend bool operator==(const link_hello&, const link_hello&) = default;
};

/// A hello or refusal is at most this long.
inline constexpr size_t greeting_bytes_max = 1024;
inline constexpr size_t ping_bytes = 16;

[[nodiscard]] std::string encode(const link_hello& hello);
/// A sentence for the other side's log instead of a hello; cut when too long.
[[nodiscard]] std::string encode_refusal(std::string_view why);
/// Sent by whoever has made the connection; the other sends it back.
[[nodiscard]] std::string encode_ping();

/// The answer to a hello: another one, or why not.
struct link_greeting {
  link_hello hello;
  std::string refusal; ///< empty: not refused
};

/// How long the greeting or ping is that begins with `begun`; 0 when more of
/// it must be seen. At most 8 bytes are looked at.
/// Errors: unsupported (it is neither), corrupt.
[[nodiscard]] result<size_t> measure_greeting(std::span<const std::byte> begun);
/// Errors: corrupt, unsupported.
[[nodiscard]] result<link_greeting> decode_greeting(const shared_bytes& frame);

/// What follows the greetings.
enum class link_frame : uint8_t {
  envelope,
  ping,
  refusal, ///< of a greeting, too late to stand in its place
};

/// As measure_greeting(), for what follows the greetings.
[[nodiscard]] result<size_t> measure_link_frame(
  std::span<const std::byte> begun, const envelope_limits& limits);
/// Of a frame that was measured.
[[nodiscard]] link_frame kind_of(const shared_bytes& frame);

} // namespace millrace
