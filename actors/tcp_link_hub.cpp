#include "actors/tcp_link_hub.hpp"

#include "actors/log.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr size_t scratch_bytes = 256 * 1024;
constexpr int64_t complaint_pause_ms = 10'000;
constexpr size_t complaints_max = 1000;
constexpr int complaints_per_second = 20;
constexpr std::array lanes{link_lane::control, link_lane::bulk};

std::string name_of(node_id node) {
  return "node " + std::to_string(node.value);
}

} // namespace

tcp_link_hub::tcp_link_hub(tcp_link_options options, tcp_link_wiring wiring)
    : options_(std::move(options)), wiring_(std::move(wiring)),
      scratch_(scratch_bytes) {}

void tcp_link_hub::use_clock(std::function<int64_t()> clock_ms) {
  clock_ms_ = std::move(clock_ms);
  advanced_ms_ = clock_ms_();
}

link_peer& tcp_link_hub::peer(node_id node) {
  return peers_.try_emplace(node, node).first->second;
}

link_peer* tcp_link_hub::known(node_id node) {
  const auto at = peers_.find(node);
  return at == peers_.end() ? nullptr : &at->second;
}

void tcp_link_hub::complain(
  const std::string& subject, const std::string& what) {
  const auto now = clock_ms();
  if (now - complaints_since_ms_ >= 1000) {
    complaints_since_ms_ = now;
    complaints_ = 0;
  }
  // Strangers choose what is said of them: no two alike may come for long.
  if (complaints_ >= complaints_per_second)
    return;
  if (complained_.size() >= complaints_max)
    complained_.clear();
  const auto [at, fresh] = complained_.try_emplace(subject + what, now);
  if (!fresh && now - at->second < complaint_pause_ms)
    return;
  at->second = now;
  ++complaints_;
  log::warn("cluster port, {}: {}", subject, what);
}

void tcp_link_hub::set_state(link_peer& of, link_state state) {
  if (of.state == state)
    return;
  if (of.state == link_state::up)
    ++wiring_.inbox->count().broken;
  of.state = state;
  log::info("{} is {}", name_of(of.node), to_string(state));
  wiring_.tell_state(of.node, state);
}

void tcp_link_hub::due(int64_t when_ms) {
  due_ms_ = std::min(due_ms_, when_ms);
}

// -- from other threads ------------------------------------------------------

void tcp_link_hub::take_inbox() {
  wiring_.inbox->take(content_);
  for (const auto& [node, address] : content_.introduced)
    introduce(node, address);
  for (auto& found : content_.looked_up)
    take_addresses(found);
  for (auto& shipment : content_.shipments)
    ship(shipment);
  content_.shipments.clear(); // what they hold may be wanted elsewhere
}

void tcp_link_hub::introduce(node_id node, const endpoint& address) {
  if (node == options_.self || closing_)
    return;
  auto& to = peer(node);
  if (to.introduced && to.address == address)
    return;
  to.introduced = true;
  to.address = address;
  to.addresses.clear();
  auto& control = to.dial(link_lane::control);
  // What is open stays: the address is for the next time.
  if (control.at == phase::greeting || control.at == phase::open)
    return;
  stop_dial(to, link_lane::control);
  control.backoff_ms = 0;
  begin_round(to, link_lane::control);
}

void tcp_link_hub::ship(link_shipment& shipment) {
  auto& to = peer(shipment.to);
  auto& out = to.dial(shipment.lane);
  auto& count = wiring_.inbox->count();
  if (out.at == phase::open) {
    ++count.messages_out;
    count.bytes_out += shipment.size;
    out.session->send(std::move(shipment.bytes));
    return;
  }
  const bool may_wait = shipment.lane == link_lane::bulk
                        && to.dial(link_lane::control).at == phase::open;
  if (may_wait) {
    to.backlog_bytes += shipment.size;
    to.backlog.push_back(std::move(shipment.bytes));
    return;
  }
  ++count.dropped;
  wiring_.inbox->release(to.node, shipment.lane, shipment.size);
}

void tcp_link_hub::drop_backlog(link_peer& to) {
  if (to.backlog.empty())
    return;
  wiring_.inbox->count().dropped += to.backlog.size();
  wiring_.inbox->release(
    to.node, link_lane::bulk, std::exchange(to.backlog_bytes, 0));
  to.backlog.clear();
}

// -- from sessions -----------------------------------------------------------

std::unique_ptr<connection_handler> tcp_link_hub::accept(connection& peer) {
  if (closing_)
    return nullptr;
  if (strangers_.size() >= options_.strangers_max) {
    complain(peer.remote().host, "many connect and do not say hello");
    auto* oldest = strangers_.front();
    strangers_.pop_front();
    oldest->drop();
  }
  auto session = std::make_unique<tcp_link_session>(*this, peer, scratch_);
  strangers_.push_back(session.get());
  due(session->begun_ms() + options_.hello_ms);
  return session;
}

link_hello tcp_link_hub::hello(node_id wanted, link_lane lane) const {
  return {.wire_min = options_.wire_min,
    .wire_max = options_.wire_max,
    .lane = lane,
    .cluster = options_.cluster,
    .node = options_.self,
    .wanted = wanted,
    .directory = options_.directory,
    .incarnation = options_.incarnation,
    .host = options_.advertised.host,
    .port = options_.advertised.port};
}

std::optional<std::string> tcp_link_hub::greeted(
  tcp_link_session& session, const link_hello& hello) {
  const auto meant = session.is_dialed() ? session.node() : node_id{-1};
  if (auto objection = objection_to(hello, this->hello(meant, hello.lane)))
    return objection;
  if (options_.tls != nullptr)
    if (auto objection = objection_to(session.peer_names(), hello.node))
      return objection;
  auto& other = peer(hello.node);
  if (auto unwelcome = welcome(other, hello))
    return unwelcome;
  if (session.is_dialed()) {
    if (other.dial(session.lane()).session != &session)
      return "it was started again in the meantime"; // and welcome() cleared up
    opened(other, session.lane());
    return std::nullopt;
  }
  if (session.lane() == link_lane::bulk
      && other.from(link_lane::control) == nullptr)
    return "a connection for bulk comes after one for control";
  seat(other, session);
  endpoint address{hello.host, hello.port};
  if (address.host.empty())
    address.host = session.remote().host;
  if (address.port != 0)
    introduce(hello.node, address);
  // It is there: no reason to wait.
  auto& control = other.dial(link_lane::control);
  if (control.at == phase::waiting) {
    control.retry_ms = clock_ms();
    due(control.retry_ms);
  }
  return std::nullopt;
}

// Whoever is connected holds the node's place. A later run of the same
// directory takes it at once: the earlier one cannot be there any more.
std::optional<std::string> tcp_link_hub::welcome(
  link_peer& from, const link_hello& hello) {
  const node_run run{hello.directory, hello.incarnation};
  if (from.run && *from.run != run && from.is_connected()) {
    if (from.run->directory != run.directory)
      return "another " + name_of(hello.node) + " is connected, with directory "
             + to_string(from.run->directory)
             + ": node.id must be different on every node";
    if (from.run->incarnation > run.incarnation)
      return "a later run of " + name_of(hello.node)
             + " is connected: is this a copy of its directory?";
    from.run = run;
    drop_all(from, "it was started again");
  }
  from.run = run;
  return std::nullopt;
}

void tcp_link_hub::seat(link_peer& from, tcp_link_session& session) {
  forget_stranger(session);
  auto& place = from.from(session.lane());
  if (place != nullptr)
    place->drop(); // it has dialed again
  place = &session;
  if (session.lane() == link_lane::control)
    due(session.heard_ms() + options_.silence_ms);
}

// The control lane takes the bulk lane with it.
void tcp_link_hub::leave(link_peer& of, link_lane lane, std::string_view why) {
  if (auto* gone = std::exchange(of.from(lane), nullptr)) {
    log::debug("the {} connection from {} ended: {}", to_string(lane),
      name_of(of.node), why);
    gone->drop();
  }
  if (lane == link_lane::control && of.from(link_lane::bulk) != nullptr)
    leave(of, link_lane::bulk, why);
}

void tcp_link_hub::drop_all(link_peer& of, std::string_view why) {
  leave(of, link_lane::control, why);
  leave(of, link_lane::bulk, why);
  if (of.dial(link_lane::control).at == phase::open)
    broke(of, link_lane::control, why);
}

void tcp_link_hub::forget_stranger(tcp_link_session& session) {
  std::erase(strangers_, &session);
}

void tcp_link_hub::refused(tcp_link_session& session, const std::string& why) {
  ++wiring_.inbox->count().refused;
  const auto remote = session.remote().to_string();
  if (session.is_dialed())
    complain(name_of(session.node()) + " at " + remote, why);
  else if (session.is_open())
    complain(name_of(session.node()), why);
  else
    complain("a connection from " + session.remote().host, why);
}

void tcp_link_hub::arrived(tcp_link_session& session, envelope message) {
  auto& count = wiring_.inbox->count();
  ++count.messages_in;
  count.bytes_in += frame_size(message);
  wiring_.deliver(session.node(), std::move(message));
}

void tcp_link_hub::left(tcp_link_session& session, size_t bytes) {
  wiring_.inbox->release(session.node(), session.lane(), bytes);
}

void tcp_link_hub::ended(tcp_link_session& session, std::string_view why) {
  forget_stranger(session);
  // A wrong certificate, or somebody who speaks no TLS.
  if (!session.is_open() && why.starts_with("TLS"))
    refused(session, std::string{why});
  auto* other = known(session.node());
  if (other == nullptr)
    return;
  if (session.is_dialed()) {
    auto& out = other->dial(session.lane());
    if (out.session != &session)
      return;
    if (out.at == phase::open) {
      broke(*other, session.lane(), why);
    } else {
      // In the middle of the greetings: refused without a word, as TLS does
      // with who speaks none, or it has died there.
      if (why == "closed by the peer")
        refused(session, "it ended the connection without a hello: is it a "
                         "node of this cluster, with TLS as it is here?");
      out.session = nullptr;
      attempt_failed(*other, session.lane(), std::string{why}, false);
    }
  } else if (other->from(session.lane()) == &session) {
    leave(*other, session.lane(), why);
  }
}

void tcp_link_hub::close_all() {
  closing_ = true;
  for (auto* one : std::exchange(strangers_, {}))
    one->drop();
  for (auto& [node, one] : peers_) {
    leave(one, link_lane::control, "this node stops");
    leave(one, link_lane::bulk, "this node stops");
    for (const auto lane : lanes)
      stop_dial(one, lane);
    drop_backlog(one);
  }
}

// -- time --------------------------------------------------------------------

int64_t tcp_link_hub::advance() {
  const auto now = clock_ms();
  // Frozen, or without a processor: pings were not sent, nor read. Nobody is
  // silent who had no chance to be heard.
  if (const auto gap = now - advanced_ms_; gap > 2 * options_.ping_ms)
    forgive_all(gap - options_.ping_ms);
  advanced_ms_ = now;
  if (now < due_ms_)
    return due_ms_;
  due_ms_ = now + options_.ping_ms;
  for (auto& [node, one] : peers_) {
    for (const auto lane : lanes)
      advance(one, lane, now);
    advance_accepted(one, now);
  }
  advance_strangers(now);
  return due_ms_;
}

void tcp_link_hub::advance_accepted(link_peer& one, int64_t now_ms) {
  const auto* control = one.from(link_lane::control);
  if (control == nullptr)
    return;
  const auto silent_ms = control->heard_ms() + options_.silence_ms;
  if (silent_ms <= now_ms)
    leave(one, link_lane::control, "it is silent");
  else
    due(silent_ms);
}

void tcp_link_hub::advance_strangers(int64_t now_ms) {
  while (!strangers_.empty()) {
    auto* oldest = strangers_.front();
    const auto until = oldest->begun_ms() + options_.hello_ms;
    if (until > now_ms) {
      due(until);
      return;
    }
    strangers_.pop_front();
    complain("a connection from " + oldest->remote().host,
      "it did not say hello in time");
    ++wiring_.inbox->count().refused;
    oldest->drop();
  }
}

void tcp_link_hub::forgive_all(int64_t ms) {
  for (auto& [node, one] : peers_) {
    for (auto* session : one.accepted)
      if (session != nullptr)
        session->forgive(ms);
    for (auto& out : one.dials)
      if (out.session != nullptr)
        out.session->forgive(ms);
  }
}

} // namespace millrace
