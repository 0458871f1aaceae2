#pragma once

// A connection over a socket: its session, its output, and what it wants of
// epoll. The event loop drives it; see event_loop.hpp for the turn.

#include "net/connection.hpp"
#include "net/descriptor.hpp"
#include "net/output_queue.hpp"
#include "net/tls_stream.hpp"

#include <sys/epoll.h>

#include <memory>
#include <span>
#include <string>

namespace millrace {

class socket_connection;

/// What a connection asks of its loop.
class connection_owner {
public:
  virtual ~connection_owner() = default;
  /// This connection wants to be looked at in the next flush(). Called once
  /// until its attended() has been.
  virtual void mark(socket_connection& which) = 0;
};

class socket_connection final : public connection {
public:
  socket_connection(connection_owner& owner, uint64_t id, descriptor fd,
    endpoint local, endpoint remote);

  /// Speaks TLS from the first byte on; before start().
  void use_tls(
    const std::shared_ptr<const tls_context>& context, tls_role role);

  [[nodiscard]] uint64_t id() const override {
    return id_;
  }
  [[nodiscard]] const endpoint& local() const override {
    return local_;
  }
  [[nodiscard]] const endpoint& remote() const override {
    return remote_;
  }
  /// See tls_peer.hpp.
  [[nodiscard]] std::span<const std::string> peer_names() const;
  void send(outgoing out) override;
  [[nodiscard]] size_t queued_bytes() const override {
    return output_.size();
  }
  void pause_reading() override;
  void resume_reading() override;
  void close_after_flush() override;
  void close() override;

  // For the loop:

  [[nodiscard]] int socket() const {
    return fd_.get();
  }
  /// Gives it the session; before anything else.
  void start(std::unique_ptr<connection_handler> handler);
  /// Reads until the socket is empty, the session wants no more, or about
  /// `bytes_max` have come. Returns the bytes.
  size_t read_turn(size_t bytes_max);
  /// Writes what it can, at most about `bytes_max`. Returns the bytes.
  size_t write_turn(size_t bytes_max, std::span<std::byte> scratch);
  /// The socket takes bytes again.
  void became_writable();
  /// The socket reported an error or the end of both directions.
  void became_broken();
  /// Ends the connection from outside; the first reason counts.
  void fail(std::string reason);

  /// The epoll events that it waits for.
  [[nodiscard]] uint32_t wanted_events() const;
  /// Nothing more can come or go: the session is to be told.
  [[nodiscard]] bool ended() const {
    return ended_;
  }
  /// All was sent, and the session has asked for the end.
  [[nodiscard]] bool finished() const {
    return finishing_ && output_.empty() && !has_records();
  }
  /// The session would read, and bytes are there that epoll knows nothing of.
  [[nodiscard]] bool has_more_input() const {
    return more_input_ && (wanted_events() & EPOLLIN) != 0;
  }
  /// Says farewell, as far as the socket takes it.
  void end_tls();
  [[nodiscard]] bool peer_ended() const {
    return peer_ended_;
  }
  /// Tells the session of the end and destroys it. No-op the second time.
  void dismiss_session(std::string_view reason);
  [[nodiscard]] bool has_session() const {
    return handler_ != nullptr;
  }
  [[nodiscard]] const std::string& reason() const {
    return reason_;
  }
  /// The loop looks at it now; mark() may be called again.
  void attended() {
    marked_ = false;
  }

  /// What epoll was last told.
  uint32_t registered_events = 0;
  /// Bytes thrown away after the session went.
  size_t discarded_bytes = 0;

private:
  void mark();
  void on_peer_end();
  size_t read_tls(size_t bytes_max);
  size_t write_tls(size_t bytes_max, std::span<std::byte> scratch);
  void fail_tls(const error& why);
  [[nodiscard]] bool has_records() const {
    return tls_ != nullptr && tls_->waiting() > 0;
  }

  connection_owner& owner_;
  uint64_t id_;
  descriptor fd_;
  endpoint local_;
  endpoint remote_;
  output_queue output_;
  std::unique_ptr<tls_stream> tls_; // null: plain text
  std::string reason_;
  bool marked_ = false;
  bool reading_ = true;
  bool socket_full_ = false;
  bool peer_ended_ = false;
  bool finishing_ = false;
  bool ended_ = false;
  bool more_input_ = false;
  std::unique_ptr<connection_handler> handler_;
};

} // namespace millrace
