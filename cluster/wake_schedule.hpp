#pragma once

// When each of many wants to be looked at next, the earliest first.

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

class wake_schedule {
public:
  static constexpr int64_t never = std::numeric_limits<int64_t>::max();

  /// Instead of what was said of `id` before.
  void set(const std::string& id, int64_t at_ms);
  void clear();

  /// When the first one is due; never if there is none.
  [[nodiscard]] int64_t next_ms() const;
  /// The first one. Precondition: there is one.
  [[nodiscard]] const std::string& next() const;
  /// All that are due.
  [[nodiscard]] std::vector<std::string> due(int64_t now_ms) const;

private:
  std::set<std::pair<int64_t, std::string>> in_order_;
  std::map<std::string, int64_t> of_;
};

} // namespace millrace
