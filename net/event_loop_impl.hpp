#pragma once

// The inside of event_loop.hpp: slots of connections, listeners, and the
// marks that say which connections a flush has to look at.

#include "net/event_loop.hpp"
#include "net/listening.hpp"
#include "net/loop_wake.hpp"
#include "net/socket_connection.hpp"

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

namespace millrace {

using dial_failed = std::function<void(const dial_failure&)>;

/// An id is a slot (low 32 bits) and the slot's generation (high 32 bits,
/// from 1), so that an event of a connection that has gone is recognized.
/// Epoll's tokens are these ids; generation 0 is the loop's own: its wake, its
/// listeners, and with the highest bit of the low half the dials.
class event_loop::impl final : public connection_owner {
public:
  explicit impl(loop_options options);
  ~impl() override;
  [[nodiscard]] result<void> open();

  [[nodiscard]] result<uint16_t> listen(
    const endpoint& at, accept_function accept, const listen_options& options);
  void stop_listening();
  size_t poll(int timeout_ms, const std::function<void()>& on_woken);
  void flush();
  void wake() {
    wake_.wake();
  }
  void acknowledge_wake() {
    wake_.acknowledge();
  }
  void adopt(descriptor fd, accept_function accept,
    std::shared_ptr<const tls_context> tls);
  uint64_t dial(const socket_address& to, accept_function connected,
    dial_failed failed, std::shared_ptr<const tls_context> tls);
  void cancel_dial(uint64_t id);
  [[nodiscard]] connection* find(uint64_t id) const;
  [[nodiscard]] size_t connection_count() const {
    return live_;
  }
  void mark(socket_connection& which) override;

  chunk_pool chunks;
  loop_counters counters;

private:
  struct slot {
    uint32_t generation = 0;
    std::unique_ptr<socket_connection> held;
  };
  struct listener {
    descriptor fd;
    std::shared_ptr<const accept_function> accept;
    std::function<loop_seat()> choose_seat;
    std::shared_ptr<const tls_context> tls;
    bool armed = true;
  };
  struct adopted {
    descriptor fd;
    accept_function accept;
    std::shared_ptr<const tls_context> tls;
  };
  struct dialed {
    descriptor fd;
    endpoint to;
    accept_function connected;
    dial_failed failed;
    std::shared_ptr<const tls_context> tls;
    /// Known before epoll said anything; told in the next poll.
    bool settled = false;
    int number = 0;
  };
  /// Counts refusals of one cause between two log lines.
  struct trouble {
    uint64_t count = 0;
    int64_t reported_ms = INT64_MIN / 2;
  };

  [[nodiscard]] socket_connection* at(uint64_t id) const;
  [[nodiscard]] result<void> watch(int fd, uint64_t token, uint32_t events);
  void handle(uint64_t token, uint32_t events);
  void handle_connection(socket_connection& one, uint32_t events);
  void accept_from(listener& from);
  bool out_of_descriptors(listener& from, int number);
  void arm(listener& which, bool armed);
  void rearm();
  /// Returns whether there is a connection now.
  bool settle(descriptor fd, const accept_function& accept,
    const std::shared_ptr<const tls_context>& tls, tls_role role);
  void read_more_input();
  void handle_dial(uint32_t id);
  void end_dial(uint32_t id, int number);
  void end_settled_dials();
  void take_adopted();
  void attend(socket_connection& one);
  void update_interest(socket_connection& one);
  void finish(socket_connection& one);
  void discard_input(socket_connection& one);
  void remove(socket_connection& one);
  void report(trouble& of, const std::string& cause);

  loop_options options_;
  descriptor epoll_;
  loop_wake wake_;
  spare_descriptor spare_;
  std::vector<listener> listeners_;
  size_t disarmed_ = 0;
  std::vector<slot> slots_;
  std::vector<uint32_t> free_slots_;
  size_t live_ = 0;
  // Ids, as a marked connection may be removed before its turn.
  std::vector<uint64_t> marked_;
  std::vector<uint64_t> attending_;
  // With bytes that TLS has taken from the socket, and nobody from it.
  std::vector<uint64_t> more_input_;
  // Finished, and not yet closed by the peer; oldest first.
  std::deque<uint64_t> lingering_;
  std::vector<std::byte> scratch_;
  trouble no_descriptors_;
  trouble too_many_;

  std::map<uint32_t, dialed> dials_;
  uint32_t last_dial_ = 0;
  bool dials_settled_ = false;

  std::mutex adopted_mutex_;
  std::vector<adopted> adopted_;
};

} // namespace millrace
