#include "actors/tcp_link_peer.hpp"

#include <algorithm>

namespace millrace {

namespace {

std::string versions(const link_hello& hello) {
  return std::to_string(hello.wire_min) + " to "
         + std::to_string(hello.wire_max);
}

std::string name_of(node_id node) {
  return "node " + std::to_string(node.value);
}

} // namespace

std::optional<std::string> objection_to(
  const link_hello& other, const link_hello& own) {
  const auto who = name_of(other.node);
  if (other.wire_min > own.wire_max || other.wire_max < own.wire_min)
    return who + " speaks versions " + versions(other)
           + " of the protocol between nodes, and " + name_of(own.node) + " "
           + versions(own)
           + ": their releases are too far apart to work together";
  if (!other.cluster.is_zero() && !own.cluster.is_zero()
      && other.cluster != own.cluster)
    return who + " belongs to cluster " + to_string(other.cluster) + ", and "
           + name_of(own.node) + " to cluster " + to_string(own.cluster);
  if (other.wanted != own.node)
    return "this is " + name_of(own.node) + ", and " + who + " looks for "
           + name_of(other.wanted)
           + " here: its address is out of date, or was given to another";
  if (other.node == own.node)
    return "there is another " + who
           + ": node.id must be different on every "
             "node";
  if (own.wanted != other.node && own.wanted.value >= 0)
    return who + " answers where " + name_of(own.wanted) + " was looked for";
  return std::nullopt;
}

std::optional<std::string> objection_to(
  std::span<const std::string> names, node_id node) {
  const auto wanted = "node-" + std::to_string(node.value);
  if (std::find(names.begin(), names.end(), wanted) != names.end())
    return std::nullopt;
  return "the certificate of " + name_of(node) + " does not name it: " + wanted
         + " is missing";
}

bool link_peer::is_connected() const {
  auto is_open = [](const link_dial& one) {
    return one.at == link_dial::phase::open;
  };
  auto is_there = [](const tcp_link_session* one) {
    return one != nullptr;
  };
  return std::any_of(dials.begin(), dials.end(), is_open)
         || std::any_of(accepted.begin(), accepted.end(), is_there);
}

} // namespace millrace
