// What the two ends of a connection find out about one another, and when: the
// part of sim_network that stands for TCP's and tcp_link's own timers.

#include "simulation/sim_network.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// Pings are answered, or the connection is given up after this long.
constexpr sim_time silence = 500 * sim_ms;
constexpr uint64_t silence_spread = 200 * sim_ms;
/// A node that is not there is dialed again after up to this long.
constexpr uint64_t dial_spread = 60 * sim_ms;
constexpr uint64_t reset_spread = 4 * sim_ms;

} // namespace

/// Whether a process does anything at all.
bool sim_network::acts(node_id node) const {
  const auto at = processes_.find(node);
  return at != processes_.end() && at->second.state == process_state::running
         && !at->second.paused;
}

bool sim_network::knows(node_id self, node_id other) const {
  const auto& known = processes_.at(self).link->addresses_;
  const auto at = known.find(other);
  return at != known.end() && at->second == processes_.at(other).address;
}

bool sim_network::can_meet(node_id a, node_id b) {
  return acts(a) && acts(b) && is_free(a, b) && is_free(b, a)
         && (knows(a, b) || knows(b, a));
}

void sim_network::review_all(node_id node) {
  for (const auto& [other, process] : processes_)
    if (other != node)
      review(node, other);
}

/// Something has changed between them: what follows, and when?
void sim_network::review(node_id a, node_id b) {
  review_end(a, b);
  review_end(b, a);
  auto& contact = pair_of(a, b).contact;
  if (contact.is_whole() || contact.dialing || !can_meet(a, b))
    return;
  contact.dialing = true;
  const auto wait
    = std::max<sim_time>(contact.no_dial_until - world_.now(), 0)
      + static_cast<sim_time>(100'000 + world_.random(dial_spread));
  world_.after(wait, [this, a, b] {
    dial(a, b);
  });
}

void sim_network::review_end(node_id self, node_id other) {
  if (!acts(self))
    return;
  auto& end = end_of(self, other);
  if (end.connection == 0) {
    notice_absence(self, other);
    return;
  }
  if (acts(other) && is_free(other, self)) {
    end.deaf_since = -1;
  } else if (end.deaf_since < 0) {
    end.deaf_since = world_.now();
    notice_silence(self, other);
  }
  notice_end(self, other);
}

void sim_network::notice_silence(node_id self, node_id other) {
  const auto wait
    = silence + static_cast<sim_time>(world_.random(silence_spread));
  const auto since = end_of(self, other).deaf_since;
  world_.after(wait, [this, self, other, since] {
    const auto& end = end_of(self, other);
    // Who is paused finds out afterwards.
    if (acts(self) && end.connection != 0 && end.deaf_since == since)
      close_end(self, other, link_state::down);
  });
}

/// The other end is closed, or its process gone: its machine says so, if it
/// is on and gets through.
void sim_network::notice_end(node_id self, node_id other) {
  const auto connection = end_of(self, other).connection;
  if (end_of(other, self).connection == connection)
    return;
  world_.after(delay(), [this, self, other, connection] {
    if (!acts(self) || end_of(self, other).connection != connection
        || !is_free(other, self)
        || processes_.at(other).state == process_state::off)
      return;
    close_end(self, other, link_state::down);
  });
}

/// Has no connection: is the other process gone, or does nobody answer?
void sim_network::notice_absence(node_id self, node_id other) {
  const auto at = processes_.find(other);
  if (at == processes_.end())
    return;
  const auto is_gone = [this, self, other] {
    return processes_.at(other).state == process_state::stopped
           && is_free(self, other) && is_free(other, self);
  };
  const auto now = is_gone() ? link_state::refused : link_state::down;
  if (seen_by(self, other) == now)
    return;
  const auto wait
    = now == link_state::refused
        ? static_cast<sim_time>(200'000 + world_.random(reset_spread))
        : static_cast<sim_time>(world_.random(silence));
  world_.after(wait, [this, self, other, now, is_gone] {
    if (acts(self) && end_of(self, other).connection == 0
        && is_gone() == (now == link_state::refused))
      tell(self, other, now);
  });
}

void sim_network::dial(node_id a, node_id b) {
  auto& contact = pair_of(a, b).contact;
  contact.dialing = false;
  if (contact.is_whole() || !can_meet(a, b))
    return;
  if (contact.no_dial_until > world_.now()) {
    review(a, b);
    return;
  }
  const auto number = next_connection_++;
  for (const auto& [self, other] : {std::pair{a, b}, std::pair{b, a}}) {
    auto& end = end_of(self, other);
    // The new connection replaces one that is open at this end alone.
    if (end.connection != 0)
      tell(self, other, link_state::down);
    end = {number, -1};
    processes_.at(self).link->addresses_[other] = processes_.at(other).address;
    tell(self, other, link_state::up);
  }
}

void sim_network::close_end(node_id self, node_id other, link_state what) {
  end_of(self, other) = {};
  tell(self, other, what);
  review(self, other);
}

void sim_network::break_contact(
  node_id told, node_id about, link_state what, sim_time span) {
  if (!acts(told) || end_of(told, about).connection == 0)
    return;
  pair_of(told, about).contact.no_dial_until = world_.now() + span;
  close_end(told, about, what);
}

void sim_network::tell(node_id self, node_id other, link_state what) {
  auto& p = processes_.at(self);
  p.told[other] = what;
  world_.trace(8, static_cast<uint64_t>(self.value) << 32
                    | static_cast<uint64_t>(other.value) << 8
                    | static_cast<uint64_t>(what));
  p.link->tell_state(other, what);
}

link_state sim_network::seen_by(node_id node, node_id other) const {
  const auto at = processes_.find(node);
  if (at == processes_.end() || !at->second.told.contains(other))
    return link_state::down;
  return at->second.told.at(other);
}

} // namespace millrace
