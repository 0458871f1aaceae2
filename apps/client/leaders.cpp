#include "apps/client/leaders.hpp"

#include <set>

namespace millrace::client {

result<std::map<int32_t, std::vector<topic_partition>>> group_by_leader(
  cluster& nodes, const std::vector<topic_partition>& partitions,
  std::map<topic_partition, int32_t>* epochs) {
  std::set<std::string> unique;
  for (const auto& tp : partitions)
    unique.insert(tp.topic);
  auto topics = nodes.fetch_topics(
    std::vector<std::string>(unique.begin(), unique.end()));
  if (!topics)
    return topics.error();
  std::map<topic_partition, int32_t> leaders;
  for (const auto& topic : *topics)
    for (const auto& p : topic.partitions) {
      leaders[{topic.name, p.index}] = p.leader;
      if (epochs != nullptr)
        (*epochs)[{topic.name, p.index}] = p.leader_epoch;
    }
  std::map<int32_t, std::vector<topic_partition>> groups;
  for (const auto& tp : partitions) {
    const auto leader = leaders.find(tp);
    if (leader == leaders.end())
      return error{errc::not_found, "topic '" + tp.topic + "' has no partition "
                                      + std::to_string(tp.partition)};
    if (leader->second < 0)
      return refused(kafka_error::leader_not_available, "use " + to_string(tp));
    groups[leader->second].push_back(tp);
  }
  return groups;
}

} // namespace millrace::client
