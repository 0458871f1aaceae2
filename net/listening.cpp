#include "net/listening.hpp"

#include "net/host.hpp"
#include "net/system_error.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>

namespace millrace {

namespace {

/// A free port of one address may be taken at the other: how often to retry.
constexpr int free_port_tries = 16;
constexpr int keepalive_idle_seconds = 120;

void set_option(int fd, int level, int name, int value) {
  // Best effort: a socket that is not TCP refuses, and works.
  ::setsockopt(fd, level, name, &value, sizeof value);
}

result<descriptor> open_one(
  const socket_address& address, const listen_options& options) {
  auto what = "listen at " + endpoint_of(address.storage).to_string();
  descriptor fd{
    ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.valid())
    return system_error_of(errno, what);
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port)
    set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family() == AF_INET6)
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  tune_socket(fd.get());
  if (::bind(fd.get(), address.get(), address.size) != 0)
    return system_error_of(errno, what);
  if (::listen(fd.get(), options.backlog) != 0)
    return system_error_of(errno, what);
  return fd;
}

uint16_t port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return endpoint_of(address).port;
}

void set_port(socket_address& address, uint16_t port) {
  if (address.family() == AF_INET6)
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  else
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
}

result<listening_sockets> open_all(
  std::vector<socket_address> addresses, const listen_options& options) {
  listening_sockets opened;
  error missing;
  for (auto& address : addresses) {
    if (opened.port != 0)
      set_port(address, opened.port);
    auto one = open_one(address, options);
    if (!one && one.error().code == errc::invalid_argument) {
      missing = one.error();
      continue;
    }
    if (!one)
      return one.error();
    opened.port = port_of(one->get());
    opened.sockets.push_back(std::move(*one));
  }
  if (opened.sockets.empty())
    return missing;
  return opened;
}

} // namespace

void tune_socket(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_seconds);
}

result<listening_sockets> open_listening(
  const endpoint& at, const listen_options& options) {
  auto addresses = resolve(at, resolve_for::listening);
  if (!addresses)
    return addresses.error();
  for (int tries = 1;; ++tries) {
    auto opened = open_all(*addresses, options);
    auto taken = !opened && opened.error().code == errc::already_exists;
    if (!taken || at.port != 0 || tries == free_port_tries)
      return opened;
  }
}

spare_descriptor::spare_descriptor() {
  refill();
}

void spare_descriptor::refill() {
  if (!spare_.valid())
    spare_ = descriptor{::eventfd(0, EFD_CLOEXEC)};
}

bool spare_descriptor::refuse_one(int listener) {
  if (!spare_.valid())
    return false;
  spare_.reset();
  descriptor refused{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
  auto had_one = refused.valid();
  refused.reset();
  refill();
  return had_one;
}

} // namespace millrace
