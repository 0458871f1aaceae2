// The TLS part of socket_connection.hpp.
#include "net/socket_connection.hpp"
#include "net/tls_peer.hpp"

#include <sys/epoll.h>

namespace millrace {

namespace {

/// Encrypted at a time, before the socket is asked to take it.
constexpr size_t records_bytes = 256 * 1024;

} // namespace

void socket_connection::use_tls(
  const std::shared_ptr<const tls_context>& context, tls_role role) {
  tls_ = std::make_unique<tls_stream>(context, fd_.get(), role);
  mark(); // who dialed speaks first
}

std::span<const std::string> socket_connection::peer_names() const {
  if (tls_ == nullptr)
    return {};
  return tls_->peer_names();
}

std::span<const std::string> tls_peer_names(const connection& of) {
  // Only what is over a socket has a certificate.
  const auto* over_socket = dynamic_cast<const socket_connection*>(&of);
  if (over_socket == nullptr)
    return {};
  return over_socket->peer_names();
}

// An alert may say why: it goes out as far as the socket takes it at once.
void socket_connection::fail_tls(const error& why) {
  (void)tls_->flush().ok();
  fail(why.context);
}

size_t socket_connection::read_tls(size_t bytes_max) {
  size_t total = 0;
  more_input_ = false;
  while (reading_ && !finishing_ && !ended_) {
    if (total >= bytes_max) {
      more_input_ = true;
      break;
    }
    // Nobody's bytes reach the session before the handshake has ended.
    std::span<std::byte> into;
    if (tls_->is_ready()) {
      into = handler_->prepare_read();
      if (into.empty()) {
        pause_reading();
        break;
      }
    }
    const auto got = tls_->read(into);
    if (!got) {
      fail_tls(got.error());
      return total;
    }
    if (got->bytes > 0) {
      total += got->bytes;
      handler_->on_read(got->bytes);
    } else if (got->ended) {
      on_peer_end();
      break;
    } else if (got->again) {
      break;
    }
  }
  // Reading stopped for another reason than that nothing is left: what TLS has
  // taken from the socket is read when reading goes on.
  more_input_ = more_input_ || !reading_;
  // The handshake answers, and lets go what was queued.
  if (has_records() || !output_.empty() || more_input_)
    mark();
  return total;
}

size_t socket_connection::write_tls(
  size_t bytes_max, std::span<std::byte> scratch) {
  if (ended_ || socket_full_)
    return 0;
  if (auto shaken = tls_->shake(); !shaken) {
    fail_tls(shaken.error());
    return 0;
  }
  size_t total = 0;
  for (;;) {
    const auto left = tls_->flush();
    if (!left) {
      fail("write: " + left.error().context);
      return total;
    }
    socket_full_ = !*left;
    if (socket_full_ || !tls_->is_ready() || output_.empty()
        || total >= bytes_max)
      break;
    const auto put = output_.encrypt(
      *tls_, std::min(records_bytes, bytes_max - total), scratch);
    if (!put) {
      fail("write: " + put.error().context);
      return total;
    }
    total += *put;
  }
  if (total > 0)
    handler_->on_sent(output_.size());
  return total;
}

void socket_connection::end_tls() {
  if (tls_ == nullptr)
    return;
  tls_->put_end();
  (void)tls_->flush().ok();
}

} // namespace millrace
