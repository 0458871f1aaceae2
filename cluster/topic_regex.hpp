#pragma once

// Regular expressions by which consumers subscribe to topics. RE2's (R30):
// what clients send costs time in proportion to its length, whatever it is.

#include "cluster/topic_view.hpp"

#include <string>
#include <vector>

namespace millrace {

/// Why `pattern` is no regular expression; empty if it is one.
[[nodiscard]] std::string fault_of_regex(const std::string& pattern);

/// The names of the topics that match as a whole, in order; none if the
/// pattern is no regular expression.
[[nodiscard]] std::vector<std::string> topics_matching(
  const std::string& pattern, const topic_view& topics);

} // namespace millrace
