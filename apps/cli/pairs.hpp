#pragma once

// KEY=VALUE arguments.

#include "schema/result.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace::cli {

/// Splits at the first `=`; the value may be empty. Errors:
/// invalid_argument where there is no `=` or no key.
[[nodiscard]] result<std::pair<std::string, std::string>> parse_pair(
  const std::string& text);

/// A later value of the same key wins.
[[nodiscard]] result<std::map<std::string, std::string>> parse_pairs(
  const std::vector<std::string>& texts);

} // namespace millrace::cli
