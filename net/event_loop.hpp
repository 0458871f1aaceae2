#pragma once

// The epoll loop of one thread: accepts, reads, writes and closes the
// connections of its listeners. It has no thread and no timer of its own; its
// owner (an actor) turns it:
//
//   loop.poll(timeout_ms);   // accepts and reads, sessions see their bytes
//   ... the owner's work: messages, timers, answers ...
//   loop.flush();            // everything that was queued leaves
//
// Gathering all output of a turn into one system call for each connection is
// what makes small pipelined requests cheap.

#include "net/chunk_pool.hpp"
#include "net/connection.hpp"
#include "net/descriptor.hpp"
#include "net/endpoint.hpp"
#include "net/host.hpp"
#include "net/tls_context.hpp"
#include "schema/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace millrace {

class event_loop;

struct loop_options {
  /// More are accepted and closed at once, and reported.
  size_t connections_max = 1'000'000;
  /// One connection's share of a turn; the rest waits for the next.
  size_t read_bytes_per_turn = 1024 * 1024;
  size_t write_bytes_per_turn = 4 * 1024 * 1024;
  /// Gets a sentence for the log, at most once a second per cause: refused
  /// connections, with cause and cure. May be empty.
  std::function<void(const std::string&)> on_trouble;
};

/// Where an accepted connection is served.
struct loop_seat {
  event_loop& loop;
  accept_function accept; ///< called in that loop's thread
};

struct listen_options {
  /// Several loops listen on the same port; the kernel spreads connections.
  bool reuse_port = false;
  int backlog = 4096;
  /// Deals accepted connections out; empty: all are of this loop, with the
  /// accept function of listen().
  std::function<loop_seat()> choose_seat;
  /// Null: plain text. With it, sessions are made at once and read nothing
  /// before the peer has shown a good certificate.
  std::shared_ptr<const tls_context> tls;
};

/// Why a dial() came to nothing.
struct dial_failure {
  /// That machine answered that nobody listens there: ECONNREFUSED.
  bool refused = false;
  std::string why; ///< names the address
};

struct loop_counters {
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t accepted = 0; ///< sessions made, ever
  uint64_t closed = 0;   ///< of those
  uint64_t refused = 0;  ///< by connections_max, descriptors, or the session
};

/// One epoll loop. Every call comes from one thread, except where it says
/// "any thread". Destroying it closes all connections.
class event_loop {
public:
  /// Makes the process ignore SIGPIPE. Errors: out_of_handles, io_error.
  [[nodiscard]] static result<std::unique_ptr<event_loop>> create(
    loop_options options = {});
  ~event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  /// Listens at every address of `at.host` on one port and returns the port.
  ///
  /// `localhost` is 127.0.0.1 and ::1 (either may be missing on the machine,
  /// not both); an empty host is all addresses. Port 0 takes a free one.
  /// Errors: invalid_argument (no such host or address), already_exists (the
  /// port is in use), permission, out_of_handles, io_error.
  [[nodiscard]] result<uint16_t> listen(
    const endpoint& at, accept_function accept, listen_options options = {});
  /// Closes all listeners; connections stay.
  void stop_listening();

  /// Waits until something happens, at most `timeout_ms` (0: not at all, -1:
  /// without end), then accepts and reads. Returns the number of events, 0
  /// after a time-out. Calls `on_woken` between the two: whoever keeps the
  /// time for the sessions looks at the clock again.
  size_t poll(int timeout_ms, const std::function<void()>& on_woken = {});
  /// Writes what was queued, applies pause and resume, tells sessions of
  /// their end and destroys them.
  void flush();

  /// Ends a poll() that waits, or the next one at once. Any thread; a system
  /// call only when the loop sleeps.
  void wake();
  /// What woke the loop so far will be looked at now: called before the
  /// owner drains its queue, so that the next poll() may sleep.
  void acknowledge_wake();

  /// Makes the connected socket `fd` a connection of this loop, at its next
  /// turn. Any thread.
  /// @param tls null: plain text; its handshake has not begun
  void adopt(descriptor fd, accept_function accept,
    std::shared_ptr<const tls_context> tls = nullptr);

  /// Begins to connect to `to`; what comes of it is told in a later poll(),
  /// once: `connected` makes the session, or `failed` is called. There is no
  /// time-out: cancel_dial() ends the attempt, after which neither is called.
  /// Returns the attempt's id, never 0.
  /// @param tls null: plain text
  uint64_t dial(const socket_address& to, accept_function connected,
    std::function<void(const dial_failure&)> failed,
    std::shared_ptr<const tls_context> tls = nullptr);
  void cancel_dial(uint64_t id);

  /// The connection with this id, or null when it is gone or going.
  [[nodiscard]] connection* find(uint64_t id) const;

  /// Where sessions read into.
  [[nodiscard]] chunk_pool& chunks();
  [[nodiscard]] const loop_counters& counters() const;
  /// Those with a session, and those that linger until the peer has read.
  [[nodiscard]] size_t connection_count() const;

private:
  class impl;
  explicit event_loop(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace millrace
