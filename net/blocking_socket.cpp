#include "net/blocking_socket.hpp"

#include "net/host.hpp"
#include "net/steady_ms.hpp"
#include "net/system_error.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace millrace {

namespace {

bool try_again(int number) {
  return number == EAGAIN || number == EINTR;
}

/// Waits for `events` at `fd`; false when the deadline passed.
bool await(int fd, short events, int64_t deadline_ms) {
  for (;;) {
    auto left = std::clamp<int64_t>(deadline_ms - steady_ms(), 0, INT32_MAX);
    pollfd one{fd, events, 0};
    int ready = ::poll(&one, 1, static_cast<int>(left));
    if (ready > 0)
      return true;
    if (ready == 0 && steady_ms() >= deadline_ms)
      return false;
    // Interrupted, or rounded down: look again.
  }
}

/// A connected socket, or an errno in `number`.
descriptor connect_one(
  const socket_address& to, int64_t deadline_ms, int& number) {
  descriptor fd{
    ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.valid()) {
    number = errno;
    return {};
  }
  number = 0;
  if (::connect(fd.get(), to.get(), to.size) != 0) {
    number = errno;
    if (number == EINPROGRESS) {
      if (!await(fd.get(), POLLOUT, deadline_ms)) {
        number = ETIMEDOUT;
        return {};
      }
      socklen_t size = sizeof number;
      ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &number, &size);
    }
  }
  if (number != 0)
    return {};
  int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

} // namespace

result<blocking_socket> blocking_socket::connect(
  const endpoint& to, int timeout_ms) {
  auto addresses = resolve(to, resolve_for::connecting);
  if (!addresses)
    return addresses.error();
  int number = EHOSTUNREACH;
  auto deadline = steady_ms() + timeout_ms;
  auto left = static_cast<int64_t>(addresses->size());
  for (const auto& address : *addresses) {
    auto now = steady_ms();
    auto share = now + std::max<int64_t>(deadline - now, 0) / left--;
    auto fd = connect_one(address, share, number);
    if (fd.valid())
      return blocking_socket{std::move(fd), endpoint_of(address.storage)};
  }
  return error{errc::io_error,
    "connect to " + to.to_string() + ": " + system_sentence(number)};
}

result<void> blocking_socket::wait_for(
  short events, int64_t deadline_ms, std::string_view what) const {
  if (await(fd_.get(), events, deadline_ms))
    return {};
  return error{errc::io_error,
    std::string{what} + " " + remote_.to_string() + ": timed out"};
}

result<size_t> blocking_socket::read_some(
  std::span<std::byte> into, int timeout_ms) {
  auto deadline = steady_ms() + timeout_ms;
  for (;;) {
    auto got = ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT);
    if (got >= 0)
      return static_cast<size_t>(got);
    if (!try_again(errno))
      return system_error_of(errno, "read from " + remote_.to_string());
    MILLRACE_TRY(wait_for(POLLIN, deadline, "read from"));
  }
}

result<void> blocking_socket::read_exact(
  std::span<std::byte> into, int timeout_ms) {
  auto deadline = steady_ms() + timeout_ms;
  while (!into.empty()) {
    auto left = std::max<int64_t>(deadline - steady_ms(), 0);
    auto got = read_some(into, static_cast<int>(left));
    if (!got)
      return got.error();
    if (*got == 0)
      return error{errc::truncated,
        "read from " + remote_.to_string() + ": the connection was closed, "
          + std::to_string(into.size()) + " bytes missing"};
    into = into.subspan(*got);
  }
  return {};
}

result<void> blocking_socket::write_all(
  std::span<const std::byte> bytes, int timeout_ms) {
  auto deadline = steady_ms() + timeout_ms;
  while (!bytes.empty()) {
    auto sent = ::send(
      fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(sent));
      continue;
    }
    if (!try_again(errno))
      return system_error_of(errno, "write to " + remote_.to_string());
    MILLRACE_TRY(wait_for(POLLOUT, deadline, "write to"));
  }
  return {};
}

result<void> blocking_socket::write_all(std::string_view text, int timeout_ms) {
  return write_all(
    std::as_bytes(std::span{text.data(), text.size()}), timeout_ms);
}

result<shared_bytes> blocking_socket::read_frame(
  uint32_t frame_bytes_max, int timeout_ms) {
  std::array<std::byte, 4> head{};
  MILLRACE_TRY(read_exact(head, timeout_ms));
  uint32_t size = 0;
  for (auto b : head)
    size = size << 8 | std::to_integer<uint32_t>(b);
  if (size > INT32_MAX)
    return error{errc::invalid_argument,
      remote_.to_string() + " declared a frame of negative length"};
  if (size > frame_bytes_max)
    return error{errc::too_large,
      remote_.to_string() + " declared a frame of " + std::to_string(size)
        + " bytes, and the limit is " + std::to_string(frame_bytes_max)};
  auto frame = shared_bytes::allocate(size);
  MILLRACE_TRY(read_exact(frame.writable(), timeout_ms));
  return frame;
}

void blocking_socket::end_output() {
  ::shutdown(fd_.get(), SHUT_WR);
}

} // namespace millrace
