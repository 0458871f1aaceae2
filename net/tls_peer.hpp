#pragma once

// Who is at the other end of a connection, as its certificate says.

#include "net/connection.hpp"

#include <span>
#include <string>

namespace millrace {

/// The names in the peer's certificate: its common name and its DNS names.
/// From the first on_read() on; none without TLS.
[[nodiscard]] std::span<const std::string> tls_peer_names(const connection& of);

} // namespace millrace
