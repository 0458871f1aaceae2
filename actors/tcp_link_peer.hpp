#pragma once

// What a link knows of one other node: where it is, who is there, the
// connections in both directions, and how far an attempt to make one has come.

#include "actors/node_link.hpp"
#include "actors/tcp_link_session.hpp"
#include "net/host.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace millrace {

/// Which run of which node: its directory, and how often that was started.
struct node_run {
  uuid directory;
  uint64_t incarnation = 0;

  friend bool operator==(const node_run&, const node_run&) = default;
};

/// Why a hello of `other` cannot be taken by one who would say `own`: another
/// cluster, no wire version in common, another node than was meant, or the
/// very same.
[[nodiscard]] std::optional<std::string> objection_to(
  const link_hello& other, const link_hello& own);

/// Why a certificate with these names does not do for `node`: `node-N` is not
/// among them.
[[nodiscard]] std::optional<std::string> objection_to(
  std::span<const std::string> names, node_id node);

/// The way out to a node in one lane.
struct link_dial {
  enum class phase : uint8_t {
    idle,       ///< no address, or (bulk) no control lane
    looking_up, ///< its name
    dialing,    ///< connecting to one of its addresses
    greeting,   ///< connected; it has not said hello
    open,
    waiting, ///< until retry_ms
  };

  phase at = phase::idle;
  int64_t since_ms = 0; ///< of this phase
  int64_t retry_ms = 0;
  int32_t backoff_ms = 0;
  uint64_t ticket = 0;                 ///< looking_up
  uint64_t dial = 0;                   ///< dialing
  socket_address target;               ///< from dialing on
  tcp_link_session* session = nullptr; ///< greeting, open
  int64_t ping_ms = 0;                 ///< open: when the next is due
  // This round through the addresses.
  int64_t round_ms = 0;
  size_t next_address = 0;
  bool all_refused = true;

  void enter(phase next, int64_t now_ms) {
    at = next;
    since_ms = now_ms;
  }
};

struct link_peer {
  explicit link_peer(node_id who) : node(who) {}

  node_id node;
  endpoint address;
  bool introduced = false;
  std::vector<socket_address> addresses;
  link_state state = link_state::down;
  std::optional<node_run> run; ///< of whoever is connected
  std::array<link_dial, 2> dials;
  std::array<tcp_link_session*, 2> accepted{};
  /// What waits for the bulk lane to open.
  std::vector<outgoing> backlog;
  size_t backlog_bytes = 0;

  [[nodiscard]] link_dial& dial(link_lane lane) {
    return dials[static_cast<size_t>(lane)];
  }
  [[nodiscard]] tcp_link_session*& from(link_lane lane) {
    return accepted[static_cast<size_t>(lane)];
  }
  /// Whether anybody is at the other end of any connection.
  [[nodiscard]] bool is_connected() const;
};

} // namespace millrace
