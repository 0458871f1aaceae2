#pragma once

// Tells from the first bytes what a lost client speaks, so that it gets a
// sentence in its own protocol and the log names cause and cure.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace millrace {

enum class sniffed_protocol : uint8_t {
  unknown,
  http,              ///< HTTP/1: a method and a blank
  http2,             ///< the preface of HTTP/2 (gRPC)
  tls,               ///< a ClientHello
  ssh,               ///< `SSH-`
  zookeeper_connect, ///< a ZooKeeper client's first frame
  zookeeper_command, ///< a four-letter word: ruok, stat, mntr, ...
  redis,             ///< RESP, or an inline command
  postgres,          ///< a startup, SSL, GSSAPI or cancel request
  kafka,             ///< a Kafka request, with its length in front
  millrace_node,     ///< another node's hello
};

[[nodiscard]] const char* to_string(sniffed_protocol protocol);

/// Judges the first bytes that a peer sent, length prefix included. A prefix
/// of a few bytes may be too short to tell: unknown.
[[nodiscard]] sniffed_protocol sniff_protocol(
  std::span<const std::byte> first_bytes);

/// Judges the beginning of a first frame that its length does not end yet.
/// PostgreSQL's lengths count themselves, so that a reader of Kafka's would
/// wait for four bytes that never come: postgres for a beginning that no
/// Kafka client's first request has, unknown for every other.
[[nodiscard]] sniffed_protocol sniff_unfinished(
  std::span<const std::byte> first_bytes);

/// What to send before closing a connection to a Kafka port on which
/// `protocol` was spoken: an HTTP 400 with a sentence, a TLS alert, an error
/// of RESP. Empty where that protocol has no way to say it.
/// @param where the Kafka address, for the sentence
[[nodiscard]] std::string answer_on_kafka_port(
  sniffed_protocol protocol, std::string_view where);

/// One sentence for the log: what came, and what the client should change.
[[nodiscard]] std::string explain_on_kafka_port(
  sniffed_protocol protocol, std::string_view where);

/// The same for a port where the nodes of a cluster talk to one another.
[[nodiscard]] std::string answer_on_cluster_port(
  sniffed_protocol protocol, std::string_view where);
[[nodiscard]] std::string explain_on_cluster_port(
  sniffed_protocol protocol, std::string_view where);

} // namespace millrace
