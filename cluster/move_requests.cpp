#include "cluster/move_requests.hpp"

namespace millrace {

namespace {

using reassignment = kafka::alter_partition_reassignments_request;

/// The partition's place in the request, for now without replicas.
reassignment::reassignable_partition& add(
  reassignment& request, const topic_partition& name) {
  if (request.topics.empty() || request.topics.back().name != name.topic)
    request.topics.emplace_back().name = name.topic;
  auto& p = request.topics.back().partitions.emplace_back();
  p.partition_index = name.partition;
  p.replicas.reset();
  return p;
}

} // namespace

reassignment request_moves(const std::vector<replica_move>& moves) {
  reassignment request;
  for (const auto& move : moves) {
    auto& replicas = add(request, move.name).replicas.emplace();
    for (const auto id : move.to)
      replicas.push_back(id.value);
  }
  return request;
}

reassignment request_no_moves(const std::vector<replica_move>& moves) {
  reassignment request;
  for (const auto& move : moves)
    add(request, move.name);
  return request;
}

kafka::elect_leaders_request request_first_leaders(
  const std::vector<topic_partition>& partitions) {
  kafka::elect_leaders_request request;
  auto& topics = request.topic_partitions.emplace();
  for (const auto& name : partitions) {
    if (topics.empty() || topics.back().topic != name.topic)
      topics.emplace_back().topic = name.topic;
    topics.back().partitions.push_back(name.partition);
  }
  return request;
}

} // namespace millrace
