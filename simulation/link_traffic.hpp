#pragma once

// What the nodes of a cluster say to one another, counted: how many messages
// and bytes of which kind, and who is busiest. docs/scale.md says how much
// there should be; here are the same terms, to be held against the counts.

#include "schema/envelope.hpp"
#include "schema/types.hpp"

#include <array>
#include <cstdint>
#include <map>

namespace millrace {

enum class traffic_kind : uint8_t {
  raft_heartbeat, ///< of the metadata's leader, without entries
  raft_entries,   ///< with some
  raft_answer,    ///< to either
  raft_other,     ///< votes, snapshots, hellos
  broker_heartbeat,
  controller_question, ///< anything else that is asked of the controller
  controller_answer,
  replica_fetch, ///< and positions
  replica_answer,
  replica_nudge,
  custom, ///< of users' own actors
  transactions,
  shares,
};
inline constexpr size_t traffic_kinds = 12;

[[nodiscard]] const char* to_string(traffic_kind kind);
/// Precondition: a node has sent it, so that it can be decoded.
[[nodiscard]] traffic_kind kind_of(const envelope& message);

struct traffic_count {
  uint64_t messages = 0;
  uint64_t bytes = 0; ///< of the frames; what TCP and TLS add is not in it

  void add(uint64_t more_bytes) {
    ++messages;
    bytes += more_bytes;
  }
};

class link_traffic {
public:
  void note(node_id from, node_id to, const envelope& message);
  void clear() {
    *this = {};
  }

  [[nodiscard]] const traffic_count& of(traffic_kind kind) const {
    return by_kind_.at(static_cast<size_t>(kind));
  }
  [[nodiscard]] traffic_count total() const;
  /// Sent and received by the node that has most of it.
  [[nodiscard]] traffic_count busiest() const;

private:
  std::array<traffic_count, traffic_kinds> by_kind_;
  std::map<node_id, traffic_count> by_node_;
};

/// Messages per second of a cluster in which nothing happens.
struct idle_rates {
  double raft = 0;   ///< heartbeats and their answers
  double broker = 0; ///< heartbeats and their answers
  double pings = 0;  ///< of the links; a simulated network has none

  [[nodiscard]] double counted() const {
    return raft + broker;
  }
};

/// As the constants of raft_options, node_config and tcp_link_options have it.
/// @param voters of the nodes
[[nodiscard]] idle_rates idle_rates_of(int32_t nodes, int32_t voters);

} // namespace millrace
