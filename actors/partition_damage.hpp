#pragma once

// A replica whose disk does not give back what was written, where it is found
// out while the node runs (R10). What other replicas have too is not lost: a
// leader lets one of them lead, and what is bad is fetched again.

#include "actors/partition.hpp"

namespace millrace {

/// Looks at the log from `at` on, as somebody could not read what is there.
/// True if it is damaged and others in sync have it: then it is being
/// repaired. Precondition: the log is open.
bool look_for_damage(
  partition_actor::stateful_pointer<partition_state> self, offset at);

} // namespace millrace
