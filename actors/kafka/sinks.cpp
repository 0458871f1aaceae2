#include "actors/kafka/sinks.hpp"

namespace millrace {

namespace {

located_partition locate_in(
  const gateway_core& hub, const topic_image* topic, int32_t partition) {
  located_partition found;
  found.topic = topic;
  if (partition < 0
      || static_cast<size_t>(partition) >= topic->partitions.size()) {
    found.error = kafka_error::unknown_topic_or_partition;
    return found;
  }
  found.partition = hub.partition(topic->name, partition);
  if (found.partition == nullptr)
    found.error = kafka_error::not_leader_or_follower;
  return found;
}

} // namespace

located_partition locate(
  const gateway_core& hub, std::string_view topic, int32_t partition) {
  const auto* found = hub.image().find_topic(topic);
  if (found == nullptr)
    return {kafka_error::unknown_topic_or_partition, nullptr, nullptr};
  return locate_in(hub, found, partition);
}

located_partition locate(
  const gateway_core& hub, const uuid& topic, int32_t partition) {
  const auto* found = hub.image().find_topic(topic);
  if (found == nullptr)
    return {kafka_error::unknown_topic_id, nullptr, nullptr};
  return locate_in(hub, found, partition);
}

client_view view_of(const gateway_core& hub, const kafka_request& request) {
  return {.version = request.header.api_version,
    .self = hub.config().id,
    .controller = hub.config().id,
    .host = request.local->host,
    .port = request.local->port};
}

told_address address_of(const gateway_core& hub, const client_view& view) {
  // The same that Metadata tells, so that clients need one connection only.
  const auto cluster = answer_describe_cluster({}, view, hub.image());
  for (const auto& broker : cluster.brokers)
    if (broker.broker_id == hub.config().id.value)
      return {broker.broker_id, broker.host, broker.port};
  return {hub.config().id.value, view.host, view.port};
}

} // namespace millrace
