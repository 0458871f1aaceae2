#pragma once

// Questions that only a partition's leader answers: sorted by leader, asked,
// and gathered.

#include "apps/client/cluster.hpp"
#include "apps/client/refusal.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace::client {

using partition_offsets = std::map<topic_partition, int64_t>;

/// The partitions by the node that leads them. Errors: not_found for a topic
/// or partition that is not there, or one without a leader (retriable).
/// @param epochs if not null, takes the epoch of each leadership (KIP-320)
[[nodiscard]] result<std::map<int32_t, std::vector<topic_partition>>>
group_by_leader(cluster& nodes, const std::vector<topic_partition>& partitions,
  std::map<topic_partition, int32_t>* epochs = nullptr);

/// Asks `leader` about its partitions in one request.
/// @param part makes the request's entry of a partition from its value
/// @param take gives the offset in an answer's entry of a partition
/// @param doing what a refusal is told of: `find an offset of `
template <class Request, class Part, class Take>
result<void> ask_leader(cluster& nodes, int32_t leader,
  const std::vector<topic_partition>& partitions,
  const partition_offsets& values, Request request, int timeout_ms, Part part,
  Take take, const char* doing, partition_offsets& found) {
  std::map<std::string, size_t> places;
  for (const auto& tp : partitions) {
    auto [place, is_new] = places.try_emplace(tp.topic, request.topics.size());
    if (is_new)
      request.topics.push_back({tp.topic, {}});
    request.topics[place->second].partitions.push_back(part(tp, values.at(tp)));
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
        return refused(p.error_code, doing + to_string(tp));
      found[tp] = take(p);
    }
  }
  return {};
}

/// ask_leader() for all leaders of `values`, again after what is retriable.
/// @param make makes the empty request, from the milliseconds that are left
template <class Make, class Part, class Take>
result<partition_offsets> ask_leaders(cluster& nodes,
  const partition_offsets& values, Make make, Part part, Take take,
  const char* doing) {
  std::vector<topic_partition> partitions;
  for (const auto& [tp, value] : values)
    partitions.push_back(tp);
  if (partitions.empty())
    return partition_offsets{};
  return with_retries(
    nodes.options().timeout_ms, [&](int ms) -> result<partition_offsets> {
      auto groups = group_by_leader(nodes, partitions);
      if (!groups)
        return groups.error();
      partition_offsets found;
      for (const auto& [leader, mine] : *groups)
        if (auto done = ask_leader(nodes, leader, mine, values, make(ms), ms,
              part, take, doing, found);
          !done)
          return done.error();
      return found;
    });
}

} // namespace millrace::client
