#pragma once

// The range assignment of Kafka's clients: of each topic, every member gets
// a run of neighbouring partitions.

#include "schema/types.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace::client {

/// @param subscriptions topics by member id
/// @param partition_counts partitions by topic; a topic that is missing is
///        not assigned
/// Returns partitions by member id, for every member. Members are taken in
/// the order of their ids; the first ones get one more where it does not
/// divide evenly.
[[nodiscard]] std::map<std::string, std::vector<topic_partition>> assign_ranges(
  const std::map<std::string, std::vector<std::string>>& subscriptions,
  const std::map<std::string, int32_t>& partition_counts);

} // namespace millrace::client
