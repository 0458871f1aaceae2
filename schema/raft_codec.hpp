#pragma once

// The messages of a consensus group as envelopes of the conversation `raft`
// (schema/raft.capnp, docs/formats/node-messages.md): the payloads of entries
// and the bytes of a snapshot are raw runs, not copied into the message.

#include "schema/envelope.hpp"
#include "schema/raft_message.hpp"

#include <string>
#include <string_view>

namespace millrace {

/// A message, and which of a node's groups it is for.
struct raft_group_message {
  std::string group;
  raft_message message;

  friend bool operator==(const raft_group_message&, const raft_group_message&)
    = default;
};

/// The runs share the payloads' blocks.
[[nodiscard]] envelope encode(
  std::string_view group, const raft_message& message);

/// Reads what encode() wrote; payloads share the envelope's blocks. What it
/// returns can be given to raft_core::step(): entries follow on one another,
/// their terms do not fall, and configurations can be read.
/// Errors: corrupt; unsupported for a message or an entry of a newer version.
[[nodiscard]] result<raft_group_message> decode_raft_message(
  const envelope& from);

} // namespace millrace
