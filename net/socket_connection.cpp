#include "net/socket_connection.hpp"

#include "net/system_error.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace millrace {

socket_connection::socket_connection(connection_owner& owner, uint64_t id,
  descriptor fd, endpoint local, endpoint remote)
    : owner_(owner), id_(id), fd_(std::move(fd)), local_(std::move(local)),
      remote_(std::move(remote)) {}

void socket_connection::mark() {
  if (std::exchange(marked_, true))
    return;
  owner_.mark(*this);
}

void socket_connection::start(std::unique_ptr<connection_handler> handler) {
  handler_ = std::move(handler);
}

void socket_connection::send(outgoing out) {
  if (ended_)
    return;
  output_.push(std::move(out));
  mark();
}

void socket_connection::pause_reading() {
  if (std::exchange(reading_, false))
    mark();
}

void socket_connection::resume_reading() {
  if (!std::exchange(reading_, true))
    mark();
}

void socket_connection::close_after_flush() {
  finishing_ = true;
  mark();
}

void socket_connection::close() {
  fail("closed by this node");
}

void socket_connection::fail(std::string reason) {
  if (std::exchange(ended_, true))
    return;
  reason_ = std::move(reason);
  output_.clear();
  mark();
}

size_t socket_connection::read_turn(size_t bytes_max) {
  if (tls_ != nullptr)
    return read_tls(bytes_max);
  size_t total = 0;
  while (total < bytes_max && reading_ && !finishing_ && !ended_) {
    auto into = handler_->prepare_read();
    if (into.empty()) {
      pause_reading();
      break;
    }
    auto got = ::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) {
      auto size = static_cast<size_t>(got);
      total += size;
      handler_->on_read(size);
      // A short read has emptied the socket: save the call that says so.
      if (size < into.size())
        break;
    } else if (got == 0) {
      on_peer_end();
      break;
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      fail("read: " + system_sentence(errno));
    }
  }
  return total;
}

void socket_connection::on_peer_end() {
  peer_ended_ = true;
  mark();
  if (!handler_->on_end_of_input())
    finishing_ = true;
}

size_t socket_connection::write_turn(
  size_t bytes_max, std::span<std::byte> scratch) {
  if (tls_ != nullptr)
    return write_tls(bytes_max, scratch);
  if (ended_ || socket_full_ || output_.empty())
    return 0;
  auto done = output_.write(fd_.get(), bytes_max, scratch);
  if (!done) {
    fail("write: " + done.error().context);
    return 0;
  }
  socket_full_ = done->socket_full;
  if (done->bytes > 0)
    handler_->on_sent(output_.size());
  return done->bytes;
}

void socket_connection::became_writable() {
  socket_full_ = false;
  mark();
}

void socket_connection::became_broken() {
  int number = 0;
  socklen_t size = sizeof number;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &number, &size);
  fail(number == 0 ? "closed by the peer" : system_sentence(number));
}

uint32_t socket_connection::wanted_events() const {
  // Without a session only the end of input is waited for.
  auto reads = handler_ == nullptr || (reading_ && !finishing_ && !peer_ended_);
  // What is queued waits for the handshake, which waits for the other side.
  auto writes = tls_ == nullptr
                  ? !output_.empty()
                  : has_records() || (tls_->is_ready() && !output_.empty());
  return (reads ? uint32_t{EPOLLIN} : 0u) | (writes ? uint32_t{EPOLLOUT} : 0u);
}

void socket_connection::dismiss_session(std::string_view reason) {
  if (handler_ == nullptr)
    return;
  handler_->on_closed(reason);
  handler_.reset();
}

} // namespace millrace
