#include "cluster/client_view.hpp"

namespace millrace {

namespace {

const broker_endpoint* find_endpoint(
  const broker_registration& broker, std::string_view listener) {
  for (const auto& endpoint : broker.endpoints)
    if (endpoint.listener == listener)
      return &endpoint;
  return nullptr;
}

/// Nodes talk on a listener of their own, which is none for clients.
const broker_endpoint* first_for_clients(const broker_registration& broker) {
  for (const auto& endpoint : broker.endpoints)
    if (endpoint.listener != cluster_listener_name)
      return &endpoint;
  return nullptr;
}

} // namespace

std::optional<client_address> address_of(
  const broker_registration& broker, const client_view& view) {
  const auto* chosen = find_endpoint(broker, view.listener);
  if (chosen == nullptr)
    chosen = first_for_clients(broker);
  if (chosen != nullptr && !chosen->host.empty())
    return client_address{chosen->host, chosen->port};
  if (broker.id == view.self)
    return client_address{view.host, view.port};
  const auto* among_nodes = find_endpoint(broker, cluster_listener_name);
  if (chosen == nullptr || among_nodes == nullptr || among_nodes->host.empty())
    return std::nullopt;
  return client_address{among_nodes->host, chosen->port};
}

std::optional<client_address> address_of(
  node_id broker, const client_view& view, const metadata_image& image) {
  const auto* found = image.find_broker(broker);
  if (found == nullptr || found->fenced)
    return std::nullopt;
  return address_of(*found, view);
}

current_leader leader_of(const partition_registration& partition,
  const client_view& view, const metadata_image& image) {
  current_leader leader;
  leader.epoch = partition.epoch;
  const auto* broker = image.find_broker(partition.leader);
  if (broker == nullptr || broker->fenced)
    return leader;
  leader.id = partition.leader;
  leader.address = address_of(*broker, view);
  leader.rack = broker->rack;
  return leader;
}

} // namespace millrace
