#pragma once

// What the nodes of a cluster say to one another for share groups:
// conversation 7, schema/share.capnp.

#include "schema/envelope.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"

#include <cstdint>
#include <variant>

namespace millrace {

/// A request of Kafka's protocol (83-87, or ListOffsets), without the length in
/// front, for the node that leads what it is about. Handled once, and in the
/// order of the requests' ids: what comes late is no longer wanted.
struct share_request {
  int64_t broker_epoch = -1; ///< of the node that sends it
  shared_bytes frame;
};

struct share_response {
  shared_bytes frame; ///< empty: there is none
};

using share_message = std::variant<share_request, share_response>;

[[nodiscard]] envelope encode(
  const share_message& message, uint64_t request_id);
/// Errors: corrupt, unsupported.
[[nodiscard]] result<share_message> decode_share_message(const envelope& from);

} // namespace millrace
