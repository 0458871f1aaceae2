#pragma once

// How a consumer group's coordinator divides partitions among the members
// (KIP-848): pure functions from what there is to who should own it.

#include "cluster/partition_set.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// What an assignor knows of one member.
struct assignor_member {
  /// Ascending, without duplicates; topics that do not exist are ignored.
  std::vector<uuid> topics;
  /// What it was to own so far. May hold what no longer is: partitions or
  /// topics that are gone, topics that it no longer subscribes to, partitions
  /// that another member has too.
  partition_set owned;
  std::optional<std::string> instance; ///< of a static member: its instance id
};

struct assignor_input {
  std::map<std::string, assignor_member> members; ///< by id
  std::map<uuid, int32_t> topics; ///< how many partitions each has
};

/// What each member is to own; every member is in it.
using group_assignment = std::map<std::string, partition_set>;

/// Gives each partition of a subscribed topic to exactly one subscriber.
///
/// Balanced over all topics together: where all members subscribe to the same
/// topics their counts differ by at most one; otherwise no partition could
/// move to a subscriber that has two less than its owner. Sticky: members keep
/// what balance lets them keep. The same input gives the same output.
[[nodiscard]] group_assignment assign_uniform(const assignor_input& input);

/// Gives each subscriber of a topic one run of its partitions, the lengths
/// differing by at most one. Topics with the same subscribers and partition
/// counts are co-partitioned: one member has the same numbers of each. The
/// runs go to static members first, in the order of their instance ids, then
/// to the others in the order of their ids, whatever they owned: so a static
/// member that comes back has its old run. As Kafka's.
[[nodiscard]] group_assignment assign_range(const assignor_input& input);

using assign_function = group_assignment (*)(const assignor_input&);

/// `uniform` or `range`, null for any other name.
[[nodiscard]] assign_function find_assignor(std::string_view name);

} // namespace millrace
