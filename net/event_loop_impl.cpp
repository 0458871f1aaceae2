#include "net/event_loop_impl.hpp"

#include "net/steady_ms.hpp"
#include "net/system_error.hpp"
#include "schema/assert.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace millrace {

namespace {

constexpr int events_max = 256;
constexpr uint64_t wake_token = 0;
constexpr uint64_t dial_bit = 1u << 31;
/// What on_sent() queues leaves in the same flush, this many times over.
constexpr int flush_rounds = 4;
/// Connections whose peer has all but has not closed; the oldest goes first.
constexpr size_t lingering_max = 128;
/// Junk taken from a peer that goes on sending after its end.
constexpr size_t discarded_bytes_max = 4 * 1024 * 1024;
constexpr size_t scratch_bytes = 64 * 1024;
/// How soon to try again to accept, when there is not even a spare.
constexpr int rearm_ms = 100;

} // namespace

event_loop::impl::impl(loop_options options) : options_(std::move(options)) {}

event_loop::impl::~impl() {
  listeners_.clear();
  for (auto& one : slots_)
    if (one.held != nullptr)
      one.held->dismiss_session("the event loop ended");
}

result<void> event_loop::impl::open() {
  // sendfile(2) has no MSG_NOSIGNAL; a write to a lost peer is an error, not
  // the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
  epoll_ = descriptor{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll_.valid())
    return system_error_of(errno, "epoll_create");
  MILLRACE_TRY(wake_.open());
  return watch(wake_.get(), wake_token, EPOLLIN);
}

result<void> event_loop::impl::watch(int fd, uint64_t token, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return system_error_of(errno, "epoll_ctl");
  return {};
}

socket_connection* event_loop::impl::at(uint64_t id) const {
  auto index = static_cast<uint32_t>(id);
  if (index >= slots_.size() || slots_[index].generation != id >> 32)
    return nullptr;
  return slots_[index].held.get();
}

connection* event_loop::impl::find(uint64_t id) const {
  auto* found = at(id);
  auto usable = found != nullptr && found->has_session() && !found->ended();
  return usable ? found : nullptr;
}

void event_loop::impl::mark(socket_connection& which) {
  marked_.push_back(which.id());
}

size_t event_loop::impl::poll(
  int timeout_ms, const std::function<void()>& on_woken) {
  if (disarmed_ > 0) {
    rearm();
    if (disarmed_ > 0 && (timeout_ms < 0 || timeout_ms > rearm_ms))
      timeout_ms = rearm_ms;
  }
  std::array<epoll_event, events_max> events; // NOLINT: the kernel fills it
  auto may_sleep = wake_.fall_asleep() && marked_.empty() && !dials_settled_
                   && more_input_.empty();
  auto count = ::epoll_wait(
    epoll_.get(), events.data(), events_max, may_sleep ? timeout_ms : 0);
  wake_.wake_up();
  // Only a signal ends the wait otherwise.
  MILLRACE_ASSERT(count >= 0 || errno == EINTR, "epoll_wait takes its own fd");
  if (on_woken)
    on_woken();
  take_adopted();
  end_settled_dials();
  for (int i = 0; i < count; ++i)
    handle(events[i].data.u64, events[i].events);
  read_more_input();
  return static_cast<size_t>(std::max(count, 0));
}

void event_loop::impl::read_more_input() {
  std::vector<uint64_t> all;
  all.swap(more_input_);
  for (const auto id : all)
    if (auto* one = at(id); one != nullptr && one->has_session())
      counters.bytes_in += one->read_turn(options_.read_bytes_per_turn);
}

void event_loop::impl::handle(uint64_t token, uint32_t events) {
  if (token == wake_token) {
    wake_.drain();
  } else if (token >> 32 == 0) {
    if (token <= listeners_.size())
      accept_from(listeners_[token - 1]);
    else if ((token & dial_bit) != 0)
      handle_dial(static_cast<uint32_t>(token));
  } else if (auto* one = at(token); one != nullptr) {
    handle_connection(*one, events);
  }
}

void event_loop::impl::handle_connection(
  socket_connection& one, uint32_t events) {
  if (!one.has_session()) {
    discard_input(one);
    return;
  }
  auto broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if ((one.wanted_events() & EPOLLIN) != 0 && (events & ~EPOLLOUT) != 0)
    // Finds what broke, after what came before it.
    counters.bytes_in += one.read_turn(options_.read_bytes_per_turn);
  else if (broken)
    one.became_broken();
  if ((events & EPOLLOUT) != 0)
    one.became_writable();
}

bool event_loop::impl::settle(descriptor fd, const accept_function& accept,
  const std::shared_ptr<const tls_context>& tls, tls_role role) {
  if (live_ >= options_.connections_max) {
    report(too_many_, "the limit of " + std::to_string(options_.connections_max)
                        + " connections is reached (max.connections)");
    return false;
  }
  sockaddr_storage local{};
  sockaddr_storage remote{};
  socklen_t size = sizeof local;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&local), &size);
  size = sizeof remote;
  ::getpeername(fd.get(), reinterpret_cast<sockaddr*>(&remote), &size);
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  auto index = free_slots_.back();
  free_slots_.pop_back();
  auto id = uint64_t{++slots_[index].generation} << 32 | index;
  int socket = fd.get();
  auto made = std::make_unique<socket_connection>(
    *this, id, std::move(fd), endpoint_of(local), endpoint_of(remote));
  if (tls != nullptr)
    made->use_tls(tls, role);
  auto session = accept(*made);
  if (session == nullptr) {
    ++counters.refused;
    free_slots_.push_back(index);
    return false;
  }
  made->start(std::move(session));
  made->registered_events = EPOLLIN;
  if (auto watched = watch(socket, id, EPOLLIN); !watched)
    made->fail(watched.error().context);
  slots_[index].held = std::move(made);
  ++live_;
  ++counters.accepted;
  return true;
}

void event_loop::impl::adopt(descriptor fd, accept_function accept,
  std::shared_ptr<const tls_context> tls) {
  {
    std::lock_guard lock{adopted_mutex_};
    adopted_.push_back({std::move(fd), std::move(accept), std::move(tls)});
  }
  wake();
}

void event_loop::impl::take_adopted() {
  std::vector<adopted> taken;
  {
    std::lock_guard lock{adopted_mutex_};
    taken.swap(adopted_);
  }
  for (auto& one : taken)
    settle(std::move(one.fd), one.accept, one.tls, tls_role::accepted);
}

void event_loop::impl::flush() {
  for (int round = 0; round < flush_rounds && !marked_.empty(); ++round) {
    attending_.swap(marked_);
    for (auto id : attending_)
      if (auto* one = at(id); one != nullptr)
        attend(*one);
    attending_.clear();
  }
}

void event_loop::impl::attend(socket_connection& one) {
  one.attended();
  if (!one.has_session())
    return; // It lingers: all was done.
  if (scratch_.empty())
    scratch_.resize(scratch_bytes);
  counters.bytes_out += one.write_turn(options_.write_bytes_per_turn, scratch_);
  if (!one.ended() && one.finished())
    finish(one);
  else if (one.ended())
    remove(one);
  else {
    update_interest(one);
    if (one.has_more_input())
      more_input_.push_back(one.id());
  }
}

void event_loop::impl::update_interest(socket_connection& one) {
  auto wanted = one.wanted_events();
  if (std::exchange(one.registered_events, wanted) == wanted)
    return;
  epoll_event event{};
  event.events = wanted;
  event.data.u64 = one.id();
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, one.socket(), &event) != 0)
    one.fail(system_error_of(errno, "epoll_ctl").context);
}

// Closing with unread input would make the kernel reset the connection, and
// the peer might lose the last answer. So the output is ended first, and the
// socket closed when the peer has closed its side, or there are too many such.
void event_loop::impl::finish(socket_connection& one) {
  if (one.peer_ended()) {
    one.fail("closed by the peer");
    remove(one);
    return;
  }
  one.end_tls();
  ::shutdown(one.socket(), SHUT_WR);
  one.dismiss_session("closed after the last answer");
  update_interest(one);
  lingering_.push_back(one.id());
  while (lingering_.size() > lingering_max) {
    if (auto* oldest = at(lingering_.front()); oldest != nullptr)
      remove(*oldest);
    lingering_.pop_front();
  }
}

void event_loop::impl::discard_input(socket_connection& one) {
  if (scratch_.empty())
    scratch_.resize(scratch_bytes);
  auto got
    = ::recv(one.socket(), scratch_.data(), scratch_.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  one.discarded_bytes += static_cast<size_t>(std::max<ssize_t>(got, 0));
  if (got <= 0 || one.discarded_bytes > discarded_bytes_max)
    remove(one);
}

void event_loop::impl::remove(socket_connection& one) {
  auto index = static_cast<uint32_t>(one.id());
  // Out of its slot first: from on_closed() it cannot be found any more.
  auto gone = std::move(slots_[index].held);
  auto reason = gone->reason();
  gone->dismiss_session(reason);
  gone.reset();
  free_slots_.push_back(index);
  --live_;
  ++counters.closed;
}

void event_loop::impl::report(trouble& of, const std::string& cause) {
  ++counters.refused;
  ++of.count;
  auto now = steady_ms();
  if (now - of.reported_ms < 1000 || !options_.on_trouble)
    return;
  options_.on_trouble(
    std::to_string(of.count) + " connection(s) refused: " + cause);
  of = {0, now};
}

} // namespace millrace
