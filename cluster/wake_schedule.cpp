#include "cluster/wake_schedule.hpp"

#include "schema/assert.hpp"

namespace millrace {

void wake_schedule::set(const std::string& id, int64_t at_ms) {
  const auto known = of_.find(id);
  if (known != of_.end()) {
    if (known->second == at_ms)
      return;
    in_order_.erase({known->second, id});
    of_.erase(known);
  }
  if (at_ms == never)
    return;
  in_order_.emplace(at_ms, id);
  of_.emplace(id, at_ms);
}

void wake_schedule::clear() {
  in_order_.clear();
  of_.clear();
}

int64_t wake_schedule::next_ms() const {
  return in_order_.empty() ? never : in_order_.begin()->first;
}

const std::string& wake_schedule::next() const {
  MILLRACE_ASSERT(!in_order_.empty(), "somebody wants to be looked at");
  return in_order_.begin()->second;
}

std::vector<std::string> wake_schedule::due(int64_t now_ms) const {
  std::vector<std::string> ids;
  for (const auto& [at_ms, id] : in_order_) {
    if (at_ms > now_ms)
      break;
    ids.push_back(id);
  }
  return ids;
}

} // namespace millrace
