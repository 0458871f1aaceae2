#include "apps/client/positions.hpp"

#include "apps/client/refusal.hpp"

#include <set>

namespace millrace::client {
namespace {

using offsets = std::map<topic_partition, int64_t>;

result<void> ask_leader(cluster& nodes, int32_t leader,
  const std::vector<topic_partition>& partitions, const offsets& timestamps,
  int timeout_ms, offsets& found) {
  kafka::list_offsets_request request;
  request.replica_id = -1;
  std::map<std::string, size_t> places;
  for (const auto& tp : partitions) {
    auto [place, is_new] = places.try_emplace(tp.topic, request.topics.size());
    if (is_new)
      request.topics.push_back({tp.topic, {}});
    request.topics[place->second].partitions.push_back(
      {tp.partition, -1, timestamps.at(tp)});
  }
  auto to = nodes.node(leader);
  if (!to)
    return to.error();
  auto answer = (*to)->call(request, timeout_ms);
  if (!answer) {
    nodes.drop(*to);
    return answer.error();
  }
  for (const auto& topic : answer->topics) {
    for (const auto& p : topic.partitions) {
      const topic_partition tp{topic.name, p.partition_index};
      if (p.error_code != 0)
        return refused(p.error_code, "find an offset of " + to_string(tp));
      found[tp] = p.offset;
    }
  }
  return {};
}

} // namespace

result<std::map<int32_t, std::vector<topic_partition>>> group_by_leader(
  cluster& nodes, const std::vector<topic_partition>& partitions) {
  std::set<std::string> unique;
  for (const auto& tp : partitions)
    unique.insert(tp.topic);
  auto topics = nodes.fetch_topics(
    std::vector<std::string>(unique.begin(), unique.end()));
  if (!topics)
    return topics.error();
  std::map<topic_partition, int32_t> leaders;
  for (const auto& topic : *topics)
    for (const auto& p : topic.partitions)
      leaders[{topic.name, p.index}] = p.leader;
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

result<offsets> find_offsets(cluster& nodes, const offsets& timestamps) {
  std::vector<topic_partition> partitions;
  for (const auto& [tp, timestamp] : timestamps)
    partitions.push_back(tp);
  if (partitions.empty())
    return offsets{};
  return with_retries(
    nodes.options().timeout_ms, [&](int ms) -> result<offsets> {
      auto groups = group_by_leader(nodes, partitions);
      if (!groups)
        return groups.error();
      offsets found;
      for (const auto& [leader, mine] : *groups)
        if (auto done = ask_leader(nodes, leader, mine, timestamps, ms, found);
          !done)
          return done.error();
      return found;
    });
}

result<offsets> find_offsets(cluster& nodes,
  const std::vector<topic_partition>& partitions, int64_t timestamp) {
  offsets timestamps;
  for (const auto& tp : partitions)
    timestamps[tp] = timestamp;
  return find_offsets(nodes, timestamps);
}

} // namespace millrace::client
