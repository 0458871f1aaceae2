#include "apps/cli/load_connections.hpp"

namespace millrace::cli {

result<std::vector<std::unique_ptr<load_connection>>> open_load(
  client::cluster& nodes, int32_t node_id, int32_t count) {
  const auto broker = nodes.brokers().find(node_id);
  if (broker == nodes.brokers().end())
    return error{errc::offline,
      "node " + std::to_string(node_id) + " is not in the cluster's metadata"};
  std::vector<std::unique_ptr<load_connection>> opened;
  for (int32_t i = 0; i < count; ++i) {
    auto to = client::broker_connection::open(
      broker->second.at, "millrace-bench", nodes.options().timeout_ms);
    if (!to)
      return to.error();
    opened.push_back(
      std::make_unique<load_connection>(load_connection{std::move(*to)}));
  }
  return opened;
}

std::vector<load_connection*> readable(
  const std::vector<std::unique_ptr<load_connection>>& connections) {
  std::vector<pollfd> polled;
  for (const auto& c : connections)
    polled.push_back({c->to.descriptor(),
      static_cast<short>(c->waiting.empty() ? 0 : POLLIN), 0});
  std::vector<load_connection*> ready;
  if (::poll(polled.data(), polled.size(), 1000) <= 0)
    return ready;
  for (size_t i = 0; i < polled.size(); ++i)
    if (polled[i].revents != 0 && !connections[i]->waiting.empty())
      ready.push_back(connections[i].get());
  return ready;
}

} // namespace millrace::cli
