#pragma once

// What a session and its connection may ask of one another. The event loop
// implements `connection` over a socket, the simulator over bytes in memory,
// so that both run the same session classes.

#include "net/endpoint.hpp"
#include "schema/outgoing.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace millrace {

/// One end of a byte stream. All calls come from the thread of its loop.
///
/// After close(), or after the peer has gone, every call is allowed and does
/// nothing, until connection_handler::on_closed() has returned; then the
/// object is gone.
class connection {
public:
  virtual ~connection() = default;

  /// Never used twice by one loop.
  [[nodiscard]] virtual uint64_t id() const = 0;
  /// The address that the peer used to reach this node.
  [[nodiscard]] virtual const endpoint& local() const = 0;
  [[nodiscard]] virtual const endpoint& remote() const = 0;

  /// Queues `out`; it leaves at the end of the loop's turn, together with
  /// whatever else is queued by then.
  virtual void send(outgoing out) = 0;
  /// Bytes queued and not yet taken by the kernel. There is no bound: a
  /// session that has much queued stops reading.
  [[nodiscard]] virtual size_t queued_bytes() const = 0;

  /// No on_read() until resume_reading(). What the peer sends meanwhile waits
  /// in the kernel, until its window is full.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  /// Reads no more; closes when all that is queued has been sent. The peer
  /// gets the last byte even if it is still sending.
  virtual void close_after_flush() = 0;
  /// Drops what is queued and closes. Does not call back into the handler
  /// from inside; on_closed() comes later in the turn.
  virtual void close() = 0;
};

/// What lives at a connection: a session. Owned by the loop.
class connection_handler {
public:
  virtual ~connection_handler() = default;

  /// Where the next bytes go. An empty span pauses reading, as
  /// pause_reading() does.
  [[nodiscard]] virtual std::span<std::byte> prepare_read() = 0;
  /// The first `size` bytes of the span last prepared have been filled.
  virtual void on_read(size_t size) = 0;
  /// Output made progress; `still_queued` bytes wait.
  virtual void on_sent(size_t still_queued) = 0;
  /// The peer sends no more (it has shut down its side). Return true to go on
  /// sending, and call close_after_flush() in the end; with false the
  /// connection is closed when all that is queued now has been sent.
  [[nodiscard]] virtual bool on_end_of_input() {
    return false;
  }
  /// The connection is gone; called exactly once and last, also for a close
  /// that the session itself asked for. `reason` is for a log line.
  virtual void on_closed(std::string_view reason) = 0;
};

/// Makes the session of a new connection; null refuses it. The connection
/// outlives the session.
using accept_function
  = std::function<std::unique_ptr<connection_handler>(connection&)>;

} // namespace millrace
