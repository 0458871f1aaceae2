#pragma once

// What a node's link over TCP is told at its start, and what it counts.

#include "net/endpoint.hpp"
#include "net/tls_context.hpp"
#include "schema/envelope.hpp"
#include "schema/types.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace millrace {

struct tcp_link_options {
  // -- who this is, as the others are told -----------------------------------
  node_id self{0};
  uuid directory;
  /// Grows with every start on that directory, such as the wall clock's
  /// milliseconds: of two runs the one with the larger number is there.
  uint64_t incarnation = 0;
  /// Zero: not known yet; such a node talks to every cluster.
  uuid cluster;
  /// Wire versions that this build speaks.
  uint16_t wire_min = 1;
  uint16_t wire_max = 1;

  // -- where -----------------------------------------------------------------
  endpoint listen; ///< port 0: a free one
  /// What the others are told. An empty host: the address that they see; port
  /// 0: the one bound.
  endpoint advertised;

  /// Null: plain text. With it the other side has to show a certificate of the
  /// same authority that names it: node-N.
  std::shared_ptr<const tls_context> tls;

  // -- bounds ----------------------------------------------------------------
  envelope_limits limits;
  /// Bytes that wait for one node; what comes on top is dropped and counted.
  size_t control_bytes_max = 16u << 20;
  size_t bulk_bytes_max = 64u << 20;
  /// Connections that have not said hello; one more ends the oldest.
  size_t strangers_max = 256;
  size_t connections_max = 4096;

  // -- times -----------------------------------------------------------------
  int32_t ping_ms = 100;
  /// Nothing received for so long: down.
  int32_t silence_ms = 500;
  int32_t dial_ms = 500;
  int32_t hello_ms = 1000;
  int32_t look_up_ms = 5000;
  int32_t retry_ms_min = 20;
  int32_t retry_ms_max = 500;
};

/// Since the start. Written by the link's thread and by senders.
struct tcp_link_counters {
  std::atomic<uint64_t> messages_out{0};
  std::atomic<uint64_t> messages_in{0};
  std::atomic<uint64_t> bytes_out{0};
  std::atomic<uint64_t> bytes_in{0};
  /// Messages that were not sent: no connection, or no room.
  std::atomic<uint64_t> dropped{0};
  /// Connections that one side did not want.
  std::atomic<uint64_t> refused{0};
  /// Times that a node was up and then was not.
  std::atomic<uint64_t> broken{0};
};

} // namespace millrace
