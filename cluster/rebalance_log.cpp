#include "cluster/rebalance_log.hpp"

#include <algorithm>

namespace millrace {

void rebalance_log::started(
  int32_t epoch, rebalance_cause cause, int64_t at_ms) {
  notes_.push_back({epoch, std::move(cause), at_ms, std::nullopt});
  if (notes_.size() > notes_max)
    notes_.pop_front();
}

void rebalance_log::settled(int64_t at_ms) {
  // Those without a duration are the last ones.
  for (auto it = notes_.rbegin(); it != notes_.rend() && !it->duration_ms; ++it)
    it->duration_ms = std::max<int64_t>(at_ms - it->at_ms, 0);
}

std::string with_words(
  std::string reason, const std::optional<std::string>& words) {
  constexpr size_t words_max = 200;
  if (words && !words->empty())
    reason += ": " + words->substr(0, words_max);
  return reason;
}

} // namespace millrace
