#pragma once

// From names to addresses. Blocks in the resolver: for start-up, command-line
// clients and threads of their own, never in an event loop's turn.

#include "net/endpoint.hpp"
#include "schema/result.hpp"

#include <sys/socket.h>

#include <string>
#include <vector>

struct addrinfo;

namespace millrace {

/// A socket address in the form that the kernel takes.
struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  [[nodiscard]] int family() const {
    return storage.ss_family;
  }
};

enum class resolve_for { listening, connecting };

/// All addresses of `at`, v4 first, without repetition.
///
/// An empty host is [::] and 0.0.0.0 to a listener, and this machine to a
/// client. `localhost` is 127.0.0.1 and ::1 without asking anybody.
/// Errors: invalid_argument with the resolver's reason.
[[nodiscard]] result<std::vector<socket_address>> resolve(
  const endpoint& at, resolve_for purpose);

/// The resolver's list, v4 first, without repetition.
[[nodiscard]] std::vector<socket_address> addresses_of(const addrinfo* found);

/// The machine's own name, or `localhost`.
[[nodiscard]] std::string host_name();

} // namespace millrace
