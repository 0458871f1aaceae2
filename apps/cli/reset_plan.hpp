#pragma once

// The offsets that `group reset-offsets` is going to commit, and those where
// `consume` starts.

#include "apps/cli/offset_spec.hpp"
#include "apps/client/cluster.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace::cli {

/// Brings `wanted` into a log that goes from `start` to `end`.
[[nodiscard]] int64_t clamp_offset(int64_t wanted, int64_t start, int64_t end);

/// Resolves `at` for each partition, within the bounds of its log. `stored`
/// resolves to the beginning. Errors: not_found, offline.
[[nodiscard]] result<std::map<topic_partition, int64_t>> resolve_offsets(
  client::cluster& nodes, const std::vector<topic_partition>& partitions,
  const offset_spec& at);

/// As resolve_offsets(); with `stored`, the offset that the group has
/// committed, moved by `shift_by`.
[[nodiscard]] result<std::map<topic_partition, int64_t>> plan_reset(
  client::cluster& nodes, const std::string& group,
  const std::vector<topic_partition>& partitions, const offset_spec& at,
  int64_t shift_by);

} // namespace millrace::cli
