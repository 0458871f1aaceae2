#pragma once

// A number that changes when topics come, go or grow.

#include "cluster/topic_view.hpp"

#include <cstdint>
#include <set>
#include <string>

namespace millrace {

/// Of those of `names` that exist: their names, ids and partition counts; 0 if
/// none does. Only equality with what this server wrote matters.
[[nodiscard]] int64_t topic_hash(
  const std::set<std::string>& names, const topic_view& topics);

} // namespace millrace
