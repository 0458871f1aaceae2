#include "net/host.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace millrace {

namespace {

socket_address v4_address(uint32_t host, uint16_t port) {
  socket_address made;
  auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(host);
  v4.sin_port = htons(port);
  made.size = sizeof v4;
  return made;
}

socket_address v6_address(const in6_addr& host, uint16_t port) {
  socket_address made;
  auto& v6 = reinterpret_cast<sockaddr_in6&>(made.storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = host;
  v6.sin6_port = htons(port);
  made.size = sizeof v6;
  return made;
}

bool same(const socket_address& a, const socket_address& b) {
  return a.size == b.size && std::memcmp(&a.storage, &b.storage, a.size) == 0;
}

result<std::vector<socket_address>> ask(const endpoint& at) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  auto port = std::to_string(at.port);
  if (int code = getaddrinfo(at.host.c_str(), port.c_str(), &hints, &found);
    code != 0)
    return error{errc::invalid_argument,
      "host \"" + at.host + "\": " + gai_strerror(code)};
  auto all = addresses_of(found);
  freeaddrinfo(found);
  return all;
}

} // namespace

std::vector<socket_address> addresses_of(const addrinfo* found) {
  std::vector<socket_address> all;
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    socket_address made;
    made.size = std::min<socklen_t>(one->ai_addrlen, sizeof made.storage);
    std::memcpy(&made.storage, one->ai_addr, made.size);
    auto is_same = [&](const auto& other) {
      return same(made, other);
    };
    if (std::none_of(all.begin(), all.end(), is_same))
      all.push_back(made);
  }
  auto is_v4 = [](const socket_address& one) {
    return one.family() == AF_INET;
  };
  std::stable_partition(all.begin(), all.end(), is_v4);
  return all;
}

result<std::vector<socket_address>> resolve(
  const endpoint& at, resolve_for purpose) {
  if (at.host.empty() && purpose == resolve_for::listening)
    return std::vector{
      v4_address(INADDR_ANY, at.port), v6_address(in6addr_any, at.port)};
  if (at.host.empty() || at.host == "localhost")
    return std::vector{v4_address(INADDR_LOOPBACK, at.port),
      v6_address(in6addr_loopback, at.port)};
  return ask(at);
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0')
    return "localhost";
  return name.data();
}

} // namespace millrace
