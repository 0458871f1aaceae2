#pragma once

// How a client sees the cluster: which addresses it is told, and who leads
// what it has asked the wrong node for.

#include "cluster/metadata_image.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

/// Who asks, and through which door: decides which addresses it is told.
struct client_view {
  int16_t version = 0; ///< of the request
  node_id self{0};     ///< this node
  /// Whom admin calls should go to; any node forwards them, so this one is a
  /// valid answer (rules C2).
  node_id controller{0};
  std::string listener = "PLAINTEXT"; ///< the one that it came in by
  /// The address that the client itself used: told for this broker when it
  /// advertises none.
  std::string host;
  uint16_t port = 0;
  /// Brokers that are shut out, and told all the same.
  std::vector<node_id> lately_fenced;
};

struct client_address {
  std::string host;
  uint16_t port = 0;

  friend bool operator==(const client_address&, const client_address&)
    = default;
};

/// Where the client reaches a broker: what that one advertises on the
/// listener that the client came in by, else on its first. One that
/// advertises none is where the client itself found it, if it is this node,
/// and else at the host of its cluster address.
/// None: it has said nothing that a client could use.
[[nodiscard]] std::optional<client_address> address_of(
  const broker_registration& broker, const client_view& view);

/// The same of a broker that is registered and not fenced.
[[nodiscard]] std::optional<client_address> address_of(
  node_id broker, const client_view& view, const metadata_image& image);

/// Whom an answer that refuses names instead (KIP-951).
struct current_leader {
  node_id id{-1}; ///< none is alive
  leader_epoch epoch{-1};
  std::optional<client_address> address;
  std::optional<std::string> rack;
};

[[nodiscard]] current_leader leader_of(const partition_registration& partition,
  const client_view& view, const metadata_image& image);

} // namespace millrace
