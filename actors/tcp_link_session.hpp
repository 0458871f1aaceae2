#pragma once

// One connection between two nodes, at either end of it: the greetings, then
// envelopes from the side that dialed to the side that accepted, and pings
// that come back. So each direction between two nodes has connections of its
// own, which live and die with what one side can say of the other.

#include "actors/tcp_link_options.hpp"
#include "net/block_cutter.hpp"
#include "net/connection.hpp"
#include "net/tls_peer.hpp"
#include "schema/link_hello.hpp"

#include <optional>
#include <string>

namespace millrace {

class tcp_link_session;

/// What a session asks of its link.
class tcp_link_sessions {
public:
  virtual ~tcp_link_sessions() = default;
  [[nodiscard]] virtual const tcp_link_options& options() const = 0;
  /// Milliseconds that never jump, now.
  [[nodiscard]] virtual int64_t clock_ms() const = 0;
  /// Who this node is, on a connection to `wanted`.
  [[nodiscard]] virtual link_hello hello(node_id wanted, link_lane lane) const
    = 0;
  /// The other side has said who it is. Returns why it is not welcome.
  [[nodiscard]] virtual std::optional<std::string> greeted(
    tcp_link_session& session, const link_hello& hello)
    = 0;
  /// One side did not want the connection, which ends.
  virtual void refused(tcp_link_session& session, const std::string& why) = 0;
  virtual void arrived(tcp_link_session& session, envelope message) = 0;
  /// Bytes of messages have left for the kernel, or never will.
  virtual void left(tcp_link_session& session, size_t bytes) = 0;
  /// The connection is gone. The session goes after the call.
  virtual void ended(tcp_link_session& session, std::string_view why) = 0;
};

class tcp_link_session final : public connection_handler {
public:
  /// One that this node has dialed, to `wanted`: says hello.
  tcp_link_session(tcp_link_sessions& all, connection& peer,
    std::span<std::byte> scratch, node_id wanted, link_lane lane);
  /// One that was accepted: waits for a hello.
  tcp_link_session(
    tcp_link_sessions& all, connection& peer, std::span<std::byte> scratch);

  std::span<std::byte> prepare_read() override;
  void on_read(size_t size) override;
  void on_sent(size_t still_queued) override;
  void on_closed(std::string_view reason) override;

  [[nodiscard]] bool is_dialed() const {
    return dialed_;
  }
  /// Both sides know who is there.
  [[nodiscard]] bool is_open() const {
    return open_;
  }
  /// Who is at the other end; of an accepted one, once it is open.
  [[nodiscard]] node_id node() const {
    return node_;
  }
  [[nodiscard]] link_lane lane() const {
    return lane_;
  }
  [[nodiscard]] const endpoint& remote() const {
    return peer_.remote();
  }
  /// The names in its certificate; none without TLS.
  [[nodiscard]] std::span<const std::string> peer_names() const {
    return tls_peer_names(peer_);
  }
  [[nodiscard]] int64_t begun_ms() const {
    return begun_ms_;
  }
  [[nodiscard]] int64_t heard_ms() const {
    return heard_ms_;
  }
  /// This node itself was away for so long: the other side is not to blame.
  void forgive(int64_t ms) {
    heard_ms_ += ms;
  }

  void send(outgoing message);
  void ping();
  /// Ends it; nothing is asked of the link any more but left().
  void drop();

private:
  bool take(shared_bytes frame);
  void take_greeting(const shared_bytes& frame);
  void take_hello(const link_hello& hello);
  void take_envelope(const shared_bytes& frame);
  void refuse(const std::string& why);
  void refuse_stranger(const error& why);
  void fail(const std::string& why);

  tcp_link_sessions& all_;
  connection& peer_;
  block_cutter cutter_;
  bool dialed_;
  bool open_ = false;
  bool closing_ = false; // takes nothing more
  bool dropped_ = false; // the link does not know it any more
  node_id node_{-1};
  link_lane lane_ = link_lane::control;
  int64_t begun_ms_;
  int64_t heard_ms_;
  // Bytes of messages that the connection has, and of all that it has.
  size_t owed_ = 0;
  size_t queued_ = 0;
};

} // namespace millrace
