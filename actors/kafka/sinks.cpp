#include "actors/kafka/sinks.hpp"

namespace millrace {

namespace {

located_partition locate_in(const gateway_core& hub, const topic_image* topic,
  int32_t partition, asked_replica whom) {
  located_partition found;
  found.topic = topic;
  if (partition < 0
      || static_cast<size_t>(partition) >= topic->partitions.size()) {
    found.error = kafka_error::unknown_topic_or_partition;
    return found;
  }
  found.registered = &topic->partitions[static_cast<size_t>(partition)];
  if (whom == asked_replica::any || found.registered->leader == hub.config().id)
    found.partition = hub.partition(topic->name, partition);
  if (found.partition == nullptr)
    found.error = kafka_error::not_leader_or_follower;
  return found;
}

kafka_error why_not_here(
  const gateway_core& hub, const partition_registration* partition) {
  // Not even the topic is there: who looks for the coordinator makes it.
  if (partition == nullptr)
    return kafka_error::not_coordinator;
  return partition->leader == hub.config().id
           ? kafka_error::coordinator_load_in_progress
           : kafka_error::not_coordinator;
}

} // namespace

located_partition locate(const gateway_core& hub, std::string_view topic,
  int32_t partition, asked_replica whom) {
  const auto* found = hub.image().find_topic(topic);
  if (found == nullptr)
    return {.error = kafka_error::unknown_topic_or_partition};
  return locate_in(hub, found, partition, whom);
}

located_partition locate(const gateway_core& hub, const uuid& topic,
  int32_t partition, asked_replica whom) {
  const auto* found = hub.image().find_topic(topic);
  if (found == nullptr)
    return {.error = kafka_error::unknown_topic_id};
  return locate_in(hub, found, partition, whom);
}

client_view view_of(const gateway_core& hub, const kafka_request& request) {
  return {.version = request.header.api_version,
    .self = hub.config().id,
    .controller = hub.config().id,
    .host = request.local->host,
    .port = request.local->port};
}

client_view view_of(const gateway_core& hub, const reply_slot& slot) {
  client_view view{.version = slot.version,
    .self = hub.config().id,
    .controller = hub.config().id};
  if (const auto* local = hub.local_of(slot)) {
    view.host = local->host;
    view.port = local->port;
  }
  return view;
}

located_partition marker_writer(
  const gateway_core& hub, const topic_partition& name) {
  auto found = locate(hub, name.topic, name.partition);
  if (found.error != kafka_error::none || name.topic != offsets_topic_name)
    return found;
  const auto& all = hub.coordinators();
  const auto index = static_cast<size_t>(name.partition);
  found.partition = index < all.size() ? all[index] : nullptr;
  if (found.partition == nullptr)
    found.error = kafka_error::not_leader_or_follower;
  return found;
}

kafka_error why_no_coordinator(
  const gateway_core& hub, std::string_view group) {
  return why_not_here(hub, hub.groups_partition(group));
}

kafka_error why_no_transaction_coordinator(
  const gateway_core& hub, std::string_view id) {
  return why_not_here(hub, hub.transactions_partition(id));
}

kafka_error why_no_share_coordinator(
  const gateway_core& hub, std::string_view key) {
  return why_not_here(hub, hub.share_states_partition(key));
}

} // namespace millrace
