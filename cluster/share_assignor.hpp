#pragma once

// How the coordinator of a share group (KIP-932) gives partitions to members.

#include "cluster/assignor.hpp"

namespace millrace {

/// Kafka's `simple`: each partition of a subscribed topic goes to at least one
/// subscriber, each subscriber gets at least one; where there are more members
/// than partitions, members share these evenly. Balanced and sticky as
/// assign_uniform(). The same input gives the same output.
/// @param ready partitions that may be given to anybody
[[nodiscard]] group_assignment assign_simple(
  const assignor_input& input, const partition_set& ready);

} // namespace millrace
