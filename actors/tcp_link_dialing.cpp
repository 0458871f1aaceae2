// The way out of tcp_link_hub.hpp: names, addresses, attempts, and what
// becomes of a connection that this node has made.
#include "actors/log.hpp"
#include "actors/tcp_link_hub.hpp"
#include "net/host_lookup.hpp"

#include <algorithm>

namespace millrace {

namespace {

std::string name_of(node_id node) {
  return "node " + std::to_string(node.value);
}

constexpr std::string_view cure
  = "; the address that a node tells others is its "
    "millrace.cluster.advertised.listener, or else --cluster";

} // namespace

/// Tries every address once, beginning with those known; a name that has none
/// (any more) is looked up. The bulk lane goes where the control lane went.
void tcp_link_hub::begin_round(link_peer& to, link_lane lane) {
  auto& out = to.dial(lane);
  out.round_ms = clock_ms();
  out.next_address = 0;
  out.all_refused = true;
  if (lane == link_lane::bulk)
    connect_to(to, lane, to.dial(link_lane::control).target);
  else if (to.addresses.empty())
    look_up_name(to);
  else
    dial_next(to);
}

void tcp_link_hub::look_up_name(link_peer& to) {
  auto& out = to.dial(link_lane::control);
  out.enter(phase::looking_up, clock_ms());
  out.ticket = ++last_ticket_;
  due(out.since_ms + options_.look_up_ms);
  look_up(to.address,
    [inbox = std::weak_ptr{wiring_.inbox}, node = to.node, ticket = out.ticket](
      result<std::vector<socket_address>> found) {
      if (const auto alive = inbox.lock())
        alive->looked_up({node, ticket, std::move(found)});
    });
}

void tcp_link_hub::take_addresses(link_addresses& found) {
  auto& to = peer(found.node);
  auto& out = to.dial(link_lane::control);
  if (out.at != phase::looking_up || out.ticket != found.ticket || closing_)
    return; // it took too long, or there is a new address
  if (!found.found) {
    out.all_refused = false;
    round_over(to, link_lane::control, to_string(found.found.error()));
    return;
  }
  to.addresses = std::move(*found.found);
  dial_next(to);
}

void tcp_link_hub::dial_next(link_peer& to) {
  auto& out = to.dial(link_lane::control);
  if (out.next_address < to.addresses.size()) {
    connect_to(to, link_lane::control, to.addresses[out.next_address++]);
    return;
  }
  out.all_refused = false;
  round_over(to, link_lane::control, "it has no address");
}

void tcp_link_hub::connect_to(
  link_peer& to, link_lane lane, const socket_address& address) {
  auto& out = to.dial(lane);
  out.target = address;
  out.enter(phase::dialing, clock_ms());
  due(out.since_ms + options_.dial_ms);
  out.dial = wiring_.loop->dial(
    address,
    [this, node = to.node, lane](connection& peer) {
      return connected(node, lane, peer);
    },
    [this, node = to.node, lane](const dial_failure& failed) {
      attempt_failed(peer(node), lane, failed.why, failed.refused);
    },
    options_.tls);
}

std::unique_ptr<connection_handler> tcp_link_hub::connected(
  node_id node, link_lane lane, connection& at) {
  auto& to = peer(node);
  auto& out = to.dial(lane);
  auto session
    = std::make_unique<tcp_link_session>(*this, at, scratch_, node, lane);
  out.dial = 0;
  out.session = session.get();
  out.enter(phase::greeting, clock_ms());
  due(out.since_ms + options_.hello_ms);
  return session;
}

void tcp_link_hub::attempt_failed(
  link_peer& to, link_lane lane, const std::string& why, bool was_refused) {
  auto& out = to.dial(lane);
  out.dial = 0;
  out.all_refused = out.all_refused && was_refused;
  if (lane == link_lane::control && out.next_address < to.addresses.size())
    dial_next(to);
  else
    round_over(to, lane, why);
}

void tcp_link_hub::round_over(
  link_peer& to, link_lane lane, const std::string& why) {
  const auto& out = to.dial(lane);
  if (lane == link_lane::control) {
    set_state(to, out.all_refused ? link_state::refused : link_state::down);
    // It is there, and it is not only that it has just ended.
    if (to.from(lane) != nullptr && out.backoff_ms >= options_.retry_ms_max)
      complain(name_of(to.node),
        "it is connected, but cannot be reached at " + to.address.to_string()
          + ", where it says that it is: " + why + std::string{cure});
    // Its name may mean another address by now.
    to.addresses.clear();
  }
  log::debug(
    "no {} connection to {}: {}", to_string(lane), name_of(to.node), why);
  wait_to_retry(to, lane);
}

// From 20 ms to half a second, the second half of it by chance, so that nodes
// that lost one another do not meet in step.
void tcp_link_hub::wait_to_retry(link_peer& to, link_lane lane) {
  auto& out = to.dial(lane);
  out.backoff_ms = std::clamp(
    2 * out.backoff_ms, options_.retry_ms_min, options_.retry_ms_max);
  const auto half = out.backoff_ms / 2;
  const auto pause
    = half + static_cast<int32_t>(wiring_.random() % (half + 1u));
  const auto now = clock_ms();
  out.retry_ms = std::max(now, out.round_ms + pause);
  out.enter(phase::waiting, now);
  due(out.retry_ms);
}

void tcp_link_hub::opened(link_peer& to, link_lane lane) {
  auto& out = to.dial(lane);
  const auto now = clock_ms();
  out.enter(phase::open, now);
  wiring_.inbox->open(to.node, lane, true);
  if (lane == link_lane::control) {
    out.ping_ms = now;
    due(now);
    // What is for the bulk lane may come now, and waits for it.
    wiring_.inbox->open(to.node, link_lane::bulk, true);
    set_state(to, link_state::up);
    begin_round(to, link_lane::bulk);
    return;
  }
  auto& count = wiring_.inbox->count();
  for (auto& waiting : to.backlog) {
    ++count.messages_out;
    count.bytes_out += waiting.size();
    out.session->send(std::move(waiting));
  }
  to.backlog.clear();
  to.backlog_bytes = 0;
}

// A connection that had lasted is made again at once: if the process is gone,
// its machine says so in no time.
void tcp_link_hub::broke(link_peer& to, link_lane lane, std::string_view why) {
  auto& out = to.dial(lane);
  const bool lasted = clock_ms() - out.since_ms >= options_.retry_ms_max;
  log::debug("the {} connection to {} broke: {}", to_string(lane),
    name_of(to.node), why);
  stop_dial(to, lane);
  if (lane == link_lane::control)
    set_state(to, link_state::down);
  if (!lasted) {
    wait_to_retry(to, lane);
    return;
  }
  out.backoff_ms = 0;
  begin_round(to, lane);
}

// The control lane takes the bulk lane with it.
void tcp_link_hub::stop_dial(link_peer& to, link_lane lane) {
  auto& out = to.dial(lane);
  if (out.dial != 0)
    wiring_.loop->cancel_dial(std::exchange(out.dial, 0));
  if (auto* session = std::exchange(out.session, nullptr))
    session->drop();
  out.ticket = 0;
  out.enter(phase::idle, clock_ms());
  if (lane == link_lane::bulk)
    return;
  wiring_.inbox->open(to.node, link_lane::control, false);
  wiring_.inbox->open(to.node, link_lane::bulk, false);
  stop_dial(to, link_lane::bulk);
  drop_backlog(to);
}

void tcp_link_hub::advance(link_peer& one, link_lane lane, int64_t now_ms) {
  auto& out = one.dial(lane);
  auto expired = [&](int32_t limit_ms) {
    if (out.since_ms + limit_ms <= now_ms)
      return true;
    due(out.since_ms + limit_ms);
    return false;
  };
  switch (out.at) {
  case phase::idle:
    break;
  case phase::looking_up:
    if (expired(options_.look_up_ms)) {
      out.all_refused = false;
      complain(name_of(one.node),
        "looking up " + one.address.host + " takes too long");
      round_over(one, lane, "looking up its name takes too long");
    }
    break;
  case phase::dialing:
    if (expired(options_.dial_ms)) {
      wiring_.loop->cancel_dial(out.dial);
      attempt_failed(one, lane, "no answer", false);
    }
    break;
  case phase::greeting:
    if (expired(options_.hello_ms)) {
      std::exchange(out.session, nullptr)->drop();
      attempt_failed(one, lane, "it says no hello", false);
    }
    break;
  case phase::open:
    if (lane == link_lane::bulk)
      break;
    if (out.session->heard_ms() + options_.silence_ms <= now_ms) {
      broke(one, lane, "it is silent");
      break;
    }
    if (out.ping_ms <= now_ms) {
      out.session->ping();
      out.ping_ms = now_ms + options_.ping_ms;
    }
    if (one.from(lane) == nullptr
        && out.since_ms + options_.look_up_ms <= now_ms)
      complain(name_of(one.node),
        "it can be reached, but does not connect to this node, which tells it "
        "to do so at "
          + options_.advertised.to_string() + std::string{cure});
    due(std::min(out.ping_ms, out.session->heard_ms() + options_.silence_ms));
    break;
  case phase::waiting:
    if (out.retry_ms <= now_ms)
      begin_round(one, lane);
    else
      due(out.retry_ms);
    break;
  }
}

} // namespace millrace
