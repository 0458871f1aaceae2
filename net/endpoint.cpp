#include "net/endpoint.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

namespace millrace {

namespace {

error bad(std::string_view text, std::string_view why) {
  return {errc::invalid_argument,
    "address \"" + std::string{text} + "\": " + std::string{why}};
}

bool parse_port(std::string_view text, uint16_t& port) {
  auto [end, code]
    = std::from_chars(text.data(), text.data() + text.size(), port);
  return code == std::errc{} && end == text.data() + text.size();
}

} // namespace

std::string endpoint::to_string() const {
  auto shown = is_v6() ? "[" + host + "]" : host;
  return shown + ":" + std::to_string(port);
}

endpoint endpoint_of(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return {text.data(), ntohs(v4.sin_port)};
  }
  if (address.ss_family != AF_INET6)
    return {"local", 0};
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  // ::ffff:a.b.c.d: the last four bytes are the v4 address.
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
    inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
  else
    inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return {text.data(), ntohs(v6.sin6_port)};
}

result<endpoint> parse_endpoint(std::string_view text, uint16_t default_port) {
  endpoint parsed{{}, default_port};
  auto rest = text;
  if (rest.starts_with('[')) {
    auto close = rest.find(']');
    if (close == std::string_view::npos)
      return bad(text, "the bracket is not closed, as in [::1]:9092");
    parsed.host = rest.substr(1, close - 1);
    if (!parsed.is_v6())
      return bad(text, "only an IPv6 address stands in brackets");
    rest = rest.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':'))
      return bad(text, "after the bracket only :PORT may follow");
  } else if (auto colon = rest.find(':'); colon != rest.rfind(':')) {
    parsed.host = rest;
    rest = {};
  } else {
    parsed.host = rest.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{}
                                           : rest.substr(colon);
  }
  if (text.empty())
    return bad(text, "is empty; write HOST:PORT");
  for (char c : parsed.host)
    if (c <= ' ' || c == '/' || c == ',')
      return bad(text, "a host has no blank, comma or slash in it");
  if (!rest.empty() && !parse_port(rest.substr(1), parsed.port))
    return bad(text, "the port is a number from 0 to 65535");
  return parsed;
}

} // namespace millrace
