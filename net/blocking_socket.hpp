#pragma once

// A client's socket for command-line tools and tests: every call waits for
// its end or for its time-out. Not for event loops.

#include "net/descriptor.hpp"
#include "net/endpoint.hpp"
#include "schema/result.hpp"
#include "schema/shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace millrace {

/// A connected TCP socket. Time-outs are for one call, in milliseconds.
class blocking_socket {
public:
  /// Tries the addresses of `to` one after the other, each with an equal
  /// share of the time. Errors: invalid_argument (no such host), io_error
  /// (refused, unreachable, timed out), naming the address.
  [[nodiscard]] static result<blocking_socket> connect(
    const endpoint& to, int timeout_ms);

  /// Fills `into`. Errors: truncated when the peer closes before, io_error.
  [[nodiscard]] result<void> read_exact(
    std::span<std::byte> into, int timeout_ms);
  /// Reads what there is, at least one byte; 0 at the end of input.
  [[nodiscard]] result<size_t> read_some(
    std::span<std::byte> into, int timeout_ms);
  [[nodiscard]] result<void> write_all(
    std::span<const std::byte> bytes, int timeout_ms);
  [[nodiscard]] result<void> write_all(std::string_view text, int timeout_ms);

  /// Reads a length of four bytes and then that many.
  /// Errors: too_large, invalid_argument (negative), and read_exact()'s.
  [[nodiscard]] result<shared_bytes> read_frame(
    uint32_t frame_bytes_max, int timeout_ms);

  /// Tells the peer that no more will come; reading goes on.
  void end_output();

  [[nodiscard]] const endpoint& remote() const {
    return remote_;
  }
  [[nodiscard]] int get() const {
    return fd_.get();
  }
  /// Gives the socket away, for event_loop::adopt(); non-blocking.
  [[nodiscard]] descriptor release() {
    return std::move(fd_);
  }

private:
  blocking_socket(descriptor fd, endpoint remote)
      : fd_(std::move(fd)), remote_(std::move(remote)) {}
  [[nodiscard]] result<void> wait_for(
    short events, int64_t deadline_ms, std::string_view what) const;

  descriptor fd_;
  endpoint remote_;
};

} // namespace millrace
