#pragma once

// A TCP link but for its thread: the nodes it knows, the connections to and
// from them, and what is done when: dial, ping, give up. All calls come from
// the thread that turns the event loop.

#include "actors/tcp_link_inbox.hpp"
#include "actors/tcp_link_peer.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

namespace millrace {

/// Where a hub's news go, and what it gets from the outside.
struct tcp_link_wiring {
  std::function<void(node_id, envelope)> deliver;
  std::function<void(node_id, link_state)> tell_state;
  std::function<uint64_t()> random;
  std::shared_ptr<event_loop> loop;
  std::shared_ptr<tcp_link_inbox> inbox;
};

class tcp_link_hub final : public tcp_link_sessions {
public:
  /// @param options with the address that was bound
  tcp_link_hub(tcp_link_options options, tcp_link_wiring wiring);

  /// The clock of this link's thread; before anything else.
  void use_clock(std::function<int64_t()> clock_ms);
  /// The session of a connection that came in.
  std::unique_ptr<connection_handler> accept(connection& peer);
  /// Looks at what other threads have given.
  void take_inbox();
  /// Does what is due; returns when to call it again at the latest.
  int64_t advance();
  /// Ends every connection.
  void close_all();

  // -- for sessions ----------------------------------------------------------

  [[nodiscard]] const tcp_link_options& options() const override {
    return options_;
  }
  [[nodiscard]] int64_t clock_ms() const override {
    return clock_ms_();
  }
  [[nodiscard]] link_hello hello(node_id wanted, link_lane lane) const override;
  [[nodiscard]] std::optional<std::string> greeted(
    tcp_link_session& session, const link_hello& hello) override;
  void refused(tcp_link_session& session, const std::string& why) override;
  void arrived(tcp_link_session& session, envelope message) override;
  void left(tcp_link_session& session, size_t bytes) override;
  void ended(tcp_link_session& session, std::string_view why) override;

private:
  using phase = link_dial::phase;

  link_peer& peer(node_id node);
  link_peer* known(node_id node);
  void introduce(node_id node, const endpoint& address);
  void ship(link_shipment& shipment);
  void drop_backlog(link_peer& to);
  void set_state(link_peer& of, link_state state);
  void due(int64_t when_ms);

  // Connections that came in.
  std::optional<std::string> welcome(link_peer& from, const link_hello& hello);
  void seat(link_peer& from, tcp_link_session& session);
  void leave(link_peer& of, link_lane lane, std::string_view why);
  void forget_stranger(tcp_link_session& session);
  void drop_all(link_peer& of, std::string_view why);

  // The way out (tcp_link_dialing.cpp).
  void begin_round(link_peer& to, link_lane lane);
  void look_up_name(link_peer& to);
  void take_addresses(link_addresses& found);
  void dial_next(link_peer& to);
  void connect_to(link_peer& to, link_lane lane, const socket_address& address);
  std::unique_ptr<connection_handler> connected(
    node_id to, link_lane lane, connection& peer);
  void attempt_failed(
    link_peer& to, link_lane lane, const std::string& why, bool was_refused);
  void round_over(link_peer& to, link_lane lane, const std::string& why);
  void wait_to_retry(link_peer& to, link_lane lane);
  void opened(link_peer& to, link_lane lane);
  void broke(link_peer& to, link_lane lane, std::string_view why);
  void stop_dial(link_peer& to, link_lane lane);

  // What time brings.
  void advance(link_peer& one, link_lane lane, int64_t now_ms);
  void advance_accepted(link_peer& one, int64_t now_ms);
  void advance_strangers(int64_t now_ms);
  void forgive_all(int64_t ms);

  /// Once in a while for each subject, so that nobody floods the log.
  void complain(const std::string& subject, const std::string& what);

  tcp_link_options options_;
  tcp_link_wiring wiring_;
  std::function<int64_t()> clock_ms_;
  std::vector<std::byte> scratch_;
  std::map<node_id, link_peer> peers_;
  std::deque<tcp_link_session*> strangers_; // oldest first
  tcp_link_inbox::content content_;
  std::unordered_map<std::string, int64_t> complained_;
  int64_t complaints_since_ms_ = 0;
  int complaints_ = 0; // since then
  uint64_t last_ticket_ = 0;
  int64_t advanced_ms_ = 0;
  int64_t due_ms_ = INT64_MAX;
  bool closing_ = false;
};

} // namespace millrace
