#pragma once

// What the nodes of a cluster say to one another for users' own actors:
// conversation 5, schema/custom.capnp.

#include "schema/envelope.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace millrace {

/// Which actor: the name that it is deployed by, and which one of those. Of
/// one that runs on every node, the instance is the number of the node; of
/// one that the cluster places, it counts from 0.
struct actor_address {
  std::string name;
  int32_t instance = 0;

  friend auto operator<=>(const actor_address&, const actor_address&) = default;
};

/// `NAME/INSTANCE`.
[[nodiscard]] std::string to_string(const actor_address& address);

/// A message of one actor to another, in the user's own schema.
struct actor_letter {
  actor_address to;
  actor_address from;
  /// capnp::typeId() of the body's struct.
  uint64_t type = 0;
  shared_bytes body;
};

/// A request of Kafka's protocol, without the length in front, for a node
/// that leads what it is about; and its answer.
struct forwarded_request {
  shared_bytes frame;
};
struct forwarded_answer {
  shared_bytes frame; ///< empty: there is none
};

using custom_message
  = std::variant<actor_letter, forwarded_request, forwarded_answer>;

/// @param request_id of a forwarded request and its answer
[[nodiscard]] envelope encode(
  const custom_message& message, uint64_t request_id = 0);
/// Errors: corrupt, unsupported.
[[nodiscard]] result<custom_message> decode_custom_message(
  const envelope& from);

/// A record for a topic that has not taken it yet.
struct waiting_write {
  std::string topic;
  int32_t partition = -1; ///< -1: as the key says
  std::optional<std::string> key;
  std::optional<std::string> value;

  friend bool operator==(const waiting_write&, const waiting_write&) = default;
};

[[nodiscard]] std::string encode(const waiting_write& write);
/// Errors: corrupt.
[[nodiscard]] result<waiting_write> decode_waiting_write(
  std::string_view bytes);

} // namespace millrace
