#include "bench/load/connection.hpp"

#include "schema/big_endian.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace millrace::bench {
namespace {

constexpr size_t size_field = sizeof(uint32_t);

} // namespace

void give_up(const char* what) {
  std::fprintf(stderr, "millrace_load: %s: %s\n", what,
    errno == 0 ? "peer closed the connection" : std::strerror(errno));
  std::_Exit(2);
}

connection::connection(uint16_t port, size_t read_ahead)
    : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      read_ahead_(read_ahead) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = big_endian(port);
  address.sin_addr.s_addr = big_endian(uint32_t{INADDR_LOOPBACK});
  if (descriptor_ < 0
      || ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address),
           sizeof address)
           != 0)
    give_up("connect");
  const int on = 1;
  if (::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
    give_up("TCP_NODELAY");
}

connection::~connection() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

connection::connection(connection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      read_ahead_(other.read_ahead_), in_(std::move(other.in_)),
      begin_(other.begin_), end_(other.end_) {}

void connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent
      = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent <= 0)
      give_up("send");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

size_t connection::answer_size() const {
  uint32_t size = 0;
  std::memcpy(&size, in_.data() + begin_, size_field);
  return big_endian(size);
}

bool connection::buffered() const {
  return end_ - begin_ >= size_field
         && end_ - begin_ >= size_field + answer_size();
}

void connection::fill(size_t wanted) {
  if (begin_ == end_)
    begin_ = end_ = 0;
  if (in_.size() - begin_ < wanted) {
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (in_.size() < wanted)
      in_.resize(wanted + read_ahead_);
  }
  while (end_ - begin_ < wanted) {
    errno = 0;
    const auto got = ::read(descriptor_, in_.data() + end_, in_.size() - end_);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      give_up("read");
    end_ += static_cast<size_t>(got);
  }
}

std::string_view connection::receive() {
  fill(size_field);
  const auto size = answer_size();
  fill(size_field + size);
  const std::string_view answer{in_.data() + begin_ + size_field, size};
  begin_ += size_field + size;
  return answer;
}

} // namespace millrace::bench
