#pragma once

// How a node that takes no part in a consensus group makes itself known
// (conversation `group`, schema/raft.capnp).

#include "schema/envelope.hpp"
#include "schema/raft_entry.hpp"

#include <string>

namespace millrace {

struct group_hello {
  std::string group;
  raft_member member; ///< the sender
  /// Whether it has ever taken part. Before a group is formed nobody has.
  bool in_group = false;

  friend bool operator==(const group_hello&, const group_hello&) = default;
};

[[nodiscard]] envelope encode(const group_hello& hello, bool is_answer);

/// Errors: corrupt.
[[nodiscard]] result<group_hello> decode_group_hello(const envelope& from);

} // namespace millrace
