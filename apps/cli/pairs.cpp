#include "apps/cli/pairs.hpp"

namespace millrace::cli {

result<std::pair<std::string, std::string>> parse_pair(
  const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return error{errc::invalid_argument,
      "'" + text + "' should be KEY=VALUE, as in retention.ms=86400000"};
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

result<std::map<std::string, std::string>> parse_pairs(
  const std::vector<std::string>& texts) {
  std::map<std::string, std::string> pairs;
  for (const auto& text : texts) {
    auto pair = parse_pair(text);
    if (!pair)
      return pair.error();
    pairs[pair->first] = pair->second;
  }
  return pairs;
}

} // namespace millrace::cli
