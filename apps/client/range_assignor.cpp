#include "apps/client/range_assignor.hpp"

#include <algorithm>

namespace millrace::client {

std::map<std::string, std::vector<topic_partition>> assign_ranges(
  const std::map<std::string, std::vector<std::string>>& subscriptions,
  const std::map<std::string, int32_t>& partition_counts) {
  std::map<std::string, std::vector<topic_partition>> assigned;
  for (const auto& [member, topics] : subscriptions)
    assigned[member];
  for (const auto& [topic, count] : partition_counts) {
    std::vector<std::string> members;
    for (const auto& [member, topics] : subscriptions)
      if (std::find(topics.begin(), topics.end(), topic) != topics.end())
        members.push_back(member);
    const auto member_count = static_cast<int32_t>(members.size());
    int32_t next = 0;
    for (int32_t i = 0; i < member_count; ++i) {
      const int32_t share
        = count / member_count + (i < count % member_count ? 1 : 0);
      for (int32_t k = 0; k < share; ++k)
        assigned[members[static_cast<size_t>(i)]].push_back({topic, next++});
    }
  }
  return assigned;
}

} // namespace millrace::client
