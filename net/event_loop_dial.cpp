// The connecting part of event_loop_impl.hpp.
#include "net/event_loop_impl.hpp"
#include "net/system_error.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace millrace {

namespace {

constexpr uint32_t dial_bit = 1u << 31;
/// Bytes that a server does not acknowledge for so long break the connection,
/// where the kernel's own patience is a quarter of an hour.
constexpr int unacknowledged_ms = 10'000;

/// Both ends are one: with nobody listening at a port from which the kernel
/// takes those of clients, a socket may get the very port that it dials.
bool is_connected_to_itself(int fd) {
  sockaddr_storage local{};
  sockaddr_storage remote{};
  socklen_t local_size = sizeof local;
  socklen_t remote_size = sizeof remote;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size)
           == 0
         && ::getpeername(
              fd, reinterpret_cast<sockaddr*>(&remote), &remote_size)
              == 0
         && endpoint_of(local) == endpoint_of(remote);
}

int error_of_socket(int fd) {
  int number = 0;
  socklen_t size = sizeof number;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size);
  return number;
}

} // namespace

uint64_t event_loop::impl::dial(const socket_address& to,
  accept_function connected, dial_failed failed,
  std::shared_ptr<const tls_context> tls) {
  last_dial_ = (last_dial_ + 1) & ~dial_bit;
  const auto id = last_dial_ | dial_bit;
  auto& made = dials_[id];
  made.to = endpoint_of(to.storage);
  made.connected = std::move(connected);
  made.failed = std::move(failed);
  made.tls = std::move(tls);
  made.fd = descriptor{
    ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  made.number = made.fd.valid() ? 0 : errno;
  if (made.fd.valid()) {
    tune_socket(made.fd.get());
    ::setsockopt(made.fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT,
      &unacknowledged_ms, sizeof unacknowledged_ms);
    if (::connect(made.fd.get(), to.get(), to.size) != 0)
      made.number = errno;
  }
  if (made.number == EINPROGRESS) {
    made.number = 0;
    if (watch(made.fd.get(), id, EPOLLOUT))
      return id;
    made.number = errno;
  }
  made.settled = true;
  dials_settled_ = true;
  return id;
}

void event_loop::impl::cancel_dial(uint64_t id) {
  dials_.erase(static_cast<uint32_t>(id));
}

void event_loop::impl::handle_dial(uint32_t id) {
  const auto at = dials_.find(id);
  // It may have been called off by what was handled before it.
  if (at == dials_.end())
    return;
  const int fd = at->second.fd.get();
  // The connection's session will say what it waits for.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  end_dial(id, error_of_socket(fd));
}

void event_loop::impl::end_settled_dials() {
  if (!std::exchange(dials_settled_, false))
    return;
  std::vector<uint32_t> settled;
  for (const auto& [id, one] : dials_)
    if (one.settled)
      settled.push_back(id);
  for (const auto id : settled)
    if (const auto at = dials_.find(id); at != dials_.end())
      end_dial(id, at->second.number);
}

void event_loop::impl::end_dial(uint32_t id, int number) {
  // Out of the table first: what is called here may dial again.
  auto node = dials_.extract(id);
  auto& one = node.mapped();
  if (number == 0 && is_connected_to_itself(one.fd.get()))
    number = ECONNREFUSED;
  if (number != 0)
    one.failed({number == ECONNREFUSED,
      "connect to " + one.to.to_string() + ": " + system_sentence(number)});
  else if (!settle(std::move(one.fd), one.connected, one.tls, tls_role::dialed))
    one.failed({false, "connect to " + one.to.to_string() + ": not taken"});
}

} // namespace millrace
