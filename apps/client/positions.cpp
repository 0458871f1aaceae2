#include "apps/client/positions.hpp"

#include "apps/client/leaders.hpp"

namespace millrace::client {

result<partition_offsets> find_offsets(
  cluster& nodes, const partition_offsets& timestamps) {
  constexpr int32_t no_replica = -1;
  constexpr int32_t any_epoch = -1;
  return ask_leaders(
    nodes, timestamps,
    [](int) {
      kafka::list_offsets_request request;
      request.replica_id = no_replica;
      return request;
    },
    [](const topic_partition& tp, int64_t timestamp) {
      return kafka::list_offsets_request::list_offsets_partition{
        tp.partition, any_epoch, timestamp};
    },
    [](const auto& p) {
      return p.offset;
    },
    "find an offset of ");
}

result<partition_offsets> find_offsets(cluster& nodes,
  const std::vector<topic_partition>& partitions, int64_t timestamp) {
  partition_offsets timestamps;
  for (const auto& tp : partitions)
    timestamps[tp] = timestamp;
  return find_offsets(nodes, timestamps);
}

} // namespace millrace::client
