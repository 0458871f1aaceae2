// The listeners' part of event_loop_impl.hpp.
#include "net/event_loop_impl.hpp"
#include "net/system_error.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>

namespace millrace {

namespace {

/// Connections accepted before the others get their turn.
constexpr int accepts_per_turn = 64;

std::string descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return std::to_string(limit.rlim_cur);
}

} // namespace

result<uint16_t> event_loop::impl::listen(
  const endpoint& at, accept_function accept, const listen_options& options) {
  auto opened = open_listening(at, options);
  if (!opened)
    return opened.error();
  auto shared = std::make_shared<const accept_function>(std::move(accept));
  for (auto& fd : opened->sockets) {
    MILLRACE_TRY(watch(fd.get(), listeners_.size() + 1, EPOLLIN));
    listeners_.push_back(
      {std::move(fd), shared, options.choose_seat, options.tls, true});
  }
  return opened->port;
}

void event_loop::impl::stop_listening() {
  listeners_.clear();
  disarmed_ = 0;
}

void event_loop::impl::accept_from(listener& from) {
  // An accept function may listen or stop listening: keep what is needed.
  auto accept = from.accept;
  auto choose = from.choose_seat;
  auto tls = from.tls;
  auto fd = from.fd.get();
  for (int i = 0; i < accepts_per_turn; ++i) {
    if (listeners_.empty())
      return;
    descriptor made{
      ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!made.valid()) {
      if (errno == EAGAIN)
        return;
      auto full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS
                  || errno == ENOMEM;
      if (full && !out_of_descriptors(from, errno))
        return;
      // The rest is the misfortune of that one connection (accept(2)).
      continue;
    }
    if (!choose) {
      settle(std::move(made), *accept, tls, tls_role::accepted);
      continue;
    }
    auto seat = choose();
    if (seat.loop.impl_.get() == this)
      settle(std::move(made), seat.accept, tls, tls_role::accepted);
    else
      seat.loop.adopt(std::move(made), std::move(seat.accept), tls);
  }
}

// Returns whether to go on accepting.
bool event_loop::impl::out_of_descriptors(listener& from, int number) {
  if (spare_.refuse_one(from.fd.get())) {
    report(no_descriptors_,
      system_sentence(number) + " (the limit is " + descriptor_limit()
        + " file descriptors; raise it with ulimit -n or LimitNOFILE)");
    return true;
  }
  // Not even a spare: look away for a moment, rather than spin.
  if (!spare_.available())
    arm(from, false);
  return false;
}

void event_loop::impl::arm(listener& which, bool armed) {
  if (which.armed == armed)
    return;
  which.armed = armed;
  disarmed_ += armed ? -1 : 1;
  epoll_event event{};
  event.events = armed ? uint32_t{EPOLLIN} : 0u;
  event.data.u64 = static_cast<uint64_t>(&which - listeners_.data()) + 1;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, which.fd.get(), &event);
}

void event_loop::impl::rearm() {
  spare_.refill();
  if (!spare_.available())
    return;
  for (auto& one : listeners_)
    arm(one, true);
}

} // namespace millrace
