#pragma once

// The messages between a leader and its followers as envelopes of the
// conversation `replica` (schema/replica.capnp, docs/formats/node-messages.md):
// record batches are a raw run, not copied into the message.

#include "schema/envelope.hpp"
#include "schema/replica_message.hpp"

namespace millrace {

/// The run shares the batches' block.
[[nodiscard]] envelope encode(const replica_message& message);

/// Reads what encode() wrote; batches share the envelope's block and are not
/// looked into. Offsets are not negative but where the message says so, and
/// what is durable has been appended.
/// Errors: corrupt; unsupported for a message of a newer version.
[[nodiscard]] result<replica_message> decode_replica_message(
  const envelope& from);

} // namespace millrace
