#include "actors/tcp_link_inbox.hpp"

namespace millrace {

namespace {

/// Whose loop this thread turns.
thread_local const tcp_link_inbox* turning = nullptr;

} // namespace

tcp_link_inbox::tcp_link_inbox(
  const tcp_link_options& options, std::shared_ptr<event_loop> loop)
    : bytes_max_{options.control_bytes_max, options.bulk_bytes_max},
      loop_(std::move(loop)) {}

void tcp_link_inbox::ship(node_id to, const envelope& message) {
  link_shipment shipment{
    to, lane_of(message.conversation), frame_size(message), {}};
  if (!reserve(to, shipment.lane, shipment.size)) {
    ++counters_.dropped;
    return;
  }
  // Between the two locks, so that senders do not wait for one another's
  // encoding. One sender's messages stay in order.
  shipment.bytes = to_outgoing(message);
  {
    const std::lock_guard guard{mutex_};
    content_.shipments.push_back(std::move(shipment));
  }
  if (turning != this)
    loop_->wake();
}

bool tcp_link_inbox::reserve(node_id to, link_lane lane, size_t size) {
  const std::lock_guard guard{mutex_};
  const auto at = rooms_.find(to);
  if (at == rooms_.end())
    return false;
  const auto index = static_cast<size_t>(lane);
  auto& room = at->second[index];
  // One message always has room, or one that is larger than the bound would
  // never be sent.
  if (!room.open || (room.bytes > 0 && room.bytes + size > bytes_max_[index]))
    return false;
  room.bytes += size;
  return true;
}

void tcp_link_inbox::introduce(node_id node, const endpoint& address) {
  {
    const std::lock_guard guard{mutex_};
    content_.introduced.emplace_back(node, address);
  }
  loop_->wake();
}

void tcp_link_inbox::looked_up(link_addresses found) {
  {
    const std::lock_guard guard{mutex_};
    content_.looked_up.push_back(std::move(found));
  }
  loop_->wake();
}

void tcp_link_inbox::take(content& into) {
  turning = this;
  into.introduced.clear();
  into.looked_up.clear();
  into.shipments.clear();
  const std::lock_guard guard{mutex_};
  std::swap(into, content_);
}

void tcp_link_inbox::open(node_id node, link_lane lane, bool is_open) {
  const std::lock_guard guard{mutex_};
  rooms_[node][static_cast<size_t>(lane)].open = is_open;
}

void tcp_link_inbox::release(node_id node, link_lane lane, size_t bytes) {
  const std::lock_guard guard{mutex_};
  auto& room = rooms_[node][static_cast<size_t>(lane)];
  MILLRACE_ASSERT(
    bytes <= room.bytes, "no more bytes leave a queue than came into it");
  room.bytes -= bytes;
}

} // namespace millrace
