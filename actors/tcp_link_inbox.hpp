#pragma once

// What other threads hand to the thread of a TCP link: messages to send,
// addresses. Bounded: each node has a share of bytes in either lane, from
// here to the kernel.

#include "actors/tcp_link_options.hpp"
#include "net/event_loop.hpp"
#include "schema/link_hello.hpp"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace millrace {

/// A message on its way out.
struct link_shipment {
  node_id to;
  link_lane lane = link_lane::control;
  size_t size = 0;
  outgoing bytes;
};

/// Addresses of a node whose name was looked up.
struct link_addresses {
  node_id node;
  uint64_t ticket = 0;
  result<std::vector<socket_address>> found;
};

class tcp_link_inbox {
public:
  tcp_link_inbox(
    const tcp_link_options& options, std::shared_ptr<event_loop> loop);

  // -- any thread ------------------------------------------------------------

  /// Takes the message, or drops and counts it.
  void ship(node_id to, const envelope& message);
  void introduce(node_id node, const endpoint& address);
  void looked_up(link_addresses found);
  [[nodiscard]] const tcp_link_counters& counters() const {
    return counters_;
  }

  // -- the link's thread -----------------------------------------------------

  struct content {
    std::vector<std::pair<node_id, endpoint>> introduced;
    std::vector<link_addresses> looked_up;
    std::vector<link_shipment> shipments;
  };
  /// Everything since the last call. The vectors of `into` are used again.
  /// From then on, what comes from this thread wakes nobody: it takes again
  /// before it waits.
  void take(content& into);
  /// Whether messages to `node` are taken at all.
  void open(node_id node, link_lane lane, bool is_open);
  /// So many bytes wait no more.
  void release(node_id node, link_lane lane, size_t bytes);
  [[nodiscard]] tcp_link_counters& count() {
    return counters_;
  }

private:
  struct lane_room {
    bool open = false;
    size_t bytes = 0;
  };
  using rooms = std::array<lane_room, 2>;

  [[nodiscard]] bool reserve(node_id to, link_lane lane, size_t size);

  std::array<size_t, 2> bytes_max_;
  std::shared_ptr<event_loop> loop_;
  tcp_link_counters counters_;
  std::mutex mutex_;
  std::map<node_id, rooms> rooms_;
  content content_;
};

} // namespace millrace
