#pragma once

// One end of a connection: an address and a port, and how they are written.

#include "schema/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

struct sockaddr_storage;

namespace millrace {

/// A host (a name, or a numeric address without brackets) and a port.
struct endpoint {
  std::string host;
  uint16_t port = 0;

  friend auto operator<=>(const endpoint&, const endpoint&) = default;

  /// Whether `host` is a numeric IPv6 address.
  [[nodiscard]] bool is_v6() const {
    return host.find(':') != std::string::npos;
  }
  /// `127.0.0.1:9092`, `[::1]:9092`.
  [[nodiscard]] std::string to_string() const;
};

/// The numeric form of a socket's address. A v4 address mapped into v6 is
/// written as v4; an address that is neither gives the host `local`.
[[nodiscard]] endpoint endpoint_of(const sockaddr_storage& address);

/// Parses `HOST:PORT`, `HOST`, `[V6]:PORT`, `[V6]`, a bare v6 address, and
/// `:PORT` (an empty host: all addresses to a listener, this machine to a
/// client). A missing port becomes `default_port`.
/// Errors: invalid_argument, with a sentence that quotes `text`.
[[nodiscard]] result<endpoint> parse_endpoint(
  std::string_view text, uint16_t default_port);

} // namespace millrace
