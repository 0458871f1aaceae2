#pragma once

// TLS over one non-blocking socket. Reading takes from the socket; what is to
// be sent gathers here as records, and leaves in few system calls.

#include "net/tls_context.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct ssl_st;

namespace millrace {

enum class tls_role { dialed, accepted };

class tls_stream {
public:
  /// @param socket stays the caller's, and open for longer than this
  tls_stream(
    std::shared_ptr<const tls_context> context, int socket, tls_role role);
  ~tls_stream();
  tls_stream(const tls_stream&) = delete;
  tls_stream& operator=(const tls_stream&) = delete;

  /// Whether both sides have shown who they are: before, nothing that the
  /// other one has sent is given out, and nothing may be put.
  [[nodiscard]] bool is_ready() const;
  /// Goes on with the handshake as far as it gets. Errors: permission, with
  /// the reason (a certificate that is not good, a peer that speaks no TLS).
  [[nodiscard]] result<void> shake();

  struct got {
    size_t bytes = 0;
    bool ended = false; ///< no more will come
    bool again = false; ///< no more is there yet
  };
  /// Errors: as shake(), and io_error.
  [[nodiscard]] result<got> read(std::span<std::byte> into);

  /// Encrypts all of `bytes`. Precondition: is_ready().
  [[nodiscard]] result<void> put(std::span<const std::byte> bytes);
  /// Tells the other side that no more will come.
  void put_end();
  /// Records that have not left.
  [[nodiscard]] size_t waiting() const;
  /// Sends them. Returns whether all have left, or else the socket is full.
  [[nodiscard]] result<bool> flush();

  /// The names in the other side's certificate, once it is ready: its common
  /// name and its DNS names.
  [[nodiscard]] const std::vector<std::string>& peer_names() const {
    return peer_names_;
  }

private:
  struct free_stream {
    void operator()(ssl_st* stream) const;
  };

  [[nodiscard]] error failure(int code);
  void learn_names();

  std::shared_ptr<const tls_context> context_;
  int socket_;
  std::unique_ptr<ssl_st, free_stream> stream_;
  size_t flushed_ = 0; // of the records that gathered
  std::vector<std::string> peer_names_;
};

} // namespace millrace
