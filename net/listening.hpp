#pragma once

// Listening sockets, and what to do when descriptors run out.

#include "net/descriptor.hpp"
#include "net/endpoint.hpp"
#include "net/event_loop.hpp"
#include "schema/result.hpp"

#include <cstdint>
#include <vector>

namespace millrace {

struct listening_sockets {
  std::vector<descriptor> sockets;
  uint16_t port = 0;
};

/// Opens one socket for each address of `at`, all with the same port; an
/// address family that the machine lacks is skipped while one is left.
/// Accepted sockets inherit TCP_NODELAY and keepalive. Errors as
/// event_loop::listen().
[[nodiscard]] result<listening_sockets> open_listening(
  const endpoint& at, const listen_options& options);

/// TCP_NODELAY and keepalive, where `fd` is a TCP socket.
void tune_socket(int fd);

/// A descriptor kept for the hour of need: with it gone there is room to
/// accept a connection and close it, which tells the client, instead of
/// leaving the listener readable and the loop spinning.
class spare_descriptor {
public:
  spare_descriptor();
  [[nodiscard]] bool available() const {
    return spare_.valid();
  }
  /// Accepts one connection of `listener` and closes it. False when there is
  /// nothing to refuse, or no spare.
  bool refuse_one(int listener);
  /// Takes a new spare if the last one could not be replaced.
  void refill();

private:
  descriptor spare_;
};

} // namespace millrace
