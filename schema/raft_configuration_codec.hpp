#pragma once

// Members and configurations as Cap'n Proto structs, for the log's entries
// and for messages alike.

#include "schema/raft.capnp.h"
#include "schema/raft_entry.hpp"

namespace millrace {

void write_to(wire::Member::Builder to, const raft_member& member);
[[nodiscard]] raft_member read_from(wire::Member::Reader from);

void write_to(
  wire::Configuration::Builder to, const raft_configuration& configuration);
/// Errors: corrupt for a group without voters, or a member that is named
/// twice in one list.
[[nodiscard]] result<raft_configuration> read_from(
  wire::Configuration::Reader from);

} // namespace millrace
