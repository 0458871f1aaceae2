#include "cluster/throttled_replicas.hpp"

#include "cluster/config_keys.hpp"

#include <algorithm>
#include <charconv>

namespace millrace {

namespace {

/// False unless `text` begins with a number, which is cut off.
bool take_number(std::string_view& text, int32_t& number) {
  if (text.empty() || text.front() < '0' || text.front() > '9')
    return false;
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, number);
  text.remove_prefix(static_cast<size_t>(at - text.data()));
  return failed == std::errc{};
}

bool read_replica(std::string_view text, std::pair<int32_t, node_id>& replica) {
  if (!take_number(text, replica.first) || !text.starts_with(':'))
    return false;
  text.remove_prefix(1);
  return take_number(text, replica.second.value) && text.empty();
}

} // namespace

std::optional<throttled_replicas> throttled_replicas::parse(
  std::string_view text) {
  throttled_replicas parsed;
  const auto words = parse_config_list(text);
  if (words.size() == 1 && words.front() == "*") {
    parsed.all_ = true;
    return parsed;
  }
  for (const auto& word : words)
    if (!read_replica(word, parsed.some_.emplace_back()))
      return std::nullopt;
  std::sort(parsed.some_.begin(), parsed.some_.end());
  return parsed;
}

bool throttled_replicas::contains(int32_t partition, node_id broker) const {
  return all_
         || std::binary_search(
           some_.begin(), some_.end(), std::pair{partition, broker});
}

} // namespace millrace
