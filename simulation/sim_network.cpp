#include "simulation/sim_network.hpp"

#include <algorithm>

namespace millrace {

namespace {

/// What a kernel keeps for a process that does not read.
constexpr size_t waiting_max = 4096;

} // namespace

network_manners network_manners::good() {
  return {.slow = 2000};
}

network_manners network_manners::bad() {
  return {.lost = 2000,
    .doubled = 2000,
    .overtaking = 5000,
    .slow = 10'000,
    .slow_ns_max = 400 * sim_ms};
}

sim_node_link::sim_node_link(node_id self, sim_network& network)
    : node_link(self), network_(&network) {}

void sim_node_link::introduce(node_id node, const endpoint& address) {
  if (node == self())
    return;
  addresses_[node] = address;
  if (network_ != nullptr)
    network_->review(self(), node);
}

void sim_node_link::ship(node_id to, envelope message) {
  if (network_ != nullptr && !(is_off_ && is_off_()))
    network_->carry(self(), to, message);
}

sim_network::~sim_network() {
  for (auto& [id, process] : processes_)
    if (process.link != nullptr)
      process.link->network_ = nullptr;
}

sim_network::pair& sim_network::pair_of(node_id a, node_id b) {
  return pairs_[std::minmax(a, b)];
}

sim_contact::end& sim_network::end_of(node_id self, node_id other) {
  return pair_of(self, other).contact.ends[self < other ? 0 : 1];
}

sim_network::way& sim_network::way_from(node_id from, node_id to) {
  return pair_of(from, to).ways[from < to ? 0 : 1];
}

bool sim_network::is_free(node_id from, node_id to) {
  const auto& way = way_from(from, to);
  return !way.is_cut && way.clogged_until <= world_.now();
}

bool sim_network::is_cut(node_id from, node_id to) const {
  const auto at = pairs_.find(std::minmax(from, to));
  return at != pairs_.end() && at->second.ways[from < to ? 0 : 1].is_cut;
}

sim_time sim_network::delay() {
  const auto dice = world_.random_bits();
  const auto base = static_cast<sim_time>(50'000 + dice % 100'000);
  if ((dice >> 20) % 1'000'000 >= manners_.slow)
    return base;
  // The tail is heavy: half of the slow ones come within an eighth of it.
  const auto part = static_cast<sim_time>(dice >> 48 & 0xff);
  return base + manners_.slow_ns_max / 256 * part / 256 * part / 256 * part;
}

void sim_network::lose(const parcel& p) {
  ++counts_.lost;
  world_.trace(7, static_cast<uint64_t>(p.from.value) << 32
                    | static_cast<uint32_t>(p.to.value));
}

void sim_network::carry(node_id from, node_id to, const envelope& message) {
  ++counts_.sent;
  if (on_said)
    on_said(from, message);
  parcel p{from, to, end_of(from, to).connection, message.conversation,
    encode(message)};
  const auto hits = [this](uint32_t millionths) {
    return millionths > 0 && world_.random(1'000'000) < millionths;
  };
  if (p.connection == 0 || hits(manners_.lost)) {
    lose(p);
    return;
  }
  if (hits(manners_.doubled)) {
    ++counts_.doubled;
    dispatch(p, false);
  }
  const bool overtakes = hits(manners_.overtaking);
  counts_.overtook += overtakes ? 1 : 0;
  dispatch(std::move(p), !overtakes);
}

void sim_network::dispatch(parcel p, bool in_order) {
  auto due = world_.now() + delay();
  if (in_order) {
    auto& last = way_from(p.from, p.to).due[p.conversation];
    due = last = std::max(last, due);
  } else {
    due += static_cast<sim_time>(world_.random(50 * sim_ms));
  }
  world_.after(due - world_.now(), [this, p = std::move(p)]() mutable {
    arrive(std::move(p));
  });
}

void sim_network::arrive(parcel p) {
  auto& way = way_from(p.from, p.to);
  if (end_of(p.to, p.from).connection != p.connection
      || way.muted_until > world_.now()) {
    lose(p);
  } else if (!is_free(p.from, p.to)) {
    // TCP sends it again until somebody gives the connection up.
    if (way.held.size() < waiting_max)
      way.held.push_back(std::move(p));
    else
      lose(p);
  } else {
    hand_over(p);
  }
}

void sim_network::hand_over(const parcel& p) {
  auto& to = processes_.at(p.to);
  if (to.state != process_state::running
      || (to.paused && ++to.waiting > waiting_max)) {
    lose(p);
    return;
  }
  ++counts_.delivered;
  counts_.bytes += p.bytes.size();
  world_.trace(6,
    static_cast<uint64_t>(p.from.value) << 32
      | static_cast<uint32_t>(p.to.value),
    p.bytes.text());
  // The receiver gets bytes of its own, as from a socket.
  auto message = decode_envelope(shared_bytes::copy_of(p.bytes.text()));
  MILLRACE_ASSERT(message.ok(), "what a node sends can be decoded");
  if (on_arrival)
    on_arrival(p.from, p.to, *message);
  to.link->deliver(p.from, std::move(*message));
}

void sim_network::release(node_id from, node_id to) {
  if (!is_free(from, to))
    return;
  for (auto& p : std::exchange(way_from(from, to).held, {}))
    dispatch(std::move(p), true);
  review(from, to);
}

std::shared_ptr<sim_node_link> sim_network::start(
  node_id node, const endpoint& address) {
  auto& p = processes_[node];
  MILLRACE_ASSERT(
    p.link == nullptr, "a node's last process has ended before the next");
  p = {};
  p.state = process_state::running;
  p.address = address;
  p.link = std::make_shared<sim_node_link>(node, *this);
  review_all(node);
  return p.link;
}

void sim_network::stop(node_id node, process_state how) {
  auto& p = processes_[node];
  if (p.link != nullptr)
    p.link->network_ = nullptr;
  p = {};
  p.state = how;
  for (const auto& [other, process] : processes_)
    if (other != node)
      end_of(node, other) = {};
  review_all(node);
}

void sim_network::pause(node_id node) {
  processes_.at(node).paused = true;
  review_all(node);
}

void sim_network::resume(node_id node) {
  auto& p = processes_.at(node);
  p.paused = false;
  p.waiting = 0;
  review_all(node);
}

void sim_network::cut(node_id from, node_id to) {
  way_from(from, to).is_cut = true;
  review(from, to);
}

void sim_network::mend(node_id from, node_id to) {
  way_from(from, to).is_cut = false;
  release(from, to);
}

void sim_network::clog(node_id from, node_id to, sim_time span) {
  auto& until = way_from(from, to).clogged_until;
  until = std::max(until, world_.now() + span);
  world_.after(until - world_.now(), [this, from, to] {
    release(from, to);
  });
  review(from, to);
}

void sim_network::mute(node_id from, node_id to, sim_time span) {
  way_from(from, to).muted_until = world_.now() + span;
}

void sim_network::heal() {
  manners_ = network_manners::good();
  std::vector<std::pair<node_id, node_id>> all;
  for (auto& [nodes, pair] : pairs_) {
    for (auto& way : pair.ways) {
      way.is_cut = false;
      way.clogged_until = 0;
      way.muted_until = 0;
    }
    pair.contact.no_dial_until = 0;
    all.push_back(nodes);
  }
  for (const auto& [a, b] : all) {
    release(a, b);
    release(b, a);
  }
}

} // namespace millrace
