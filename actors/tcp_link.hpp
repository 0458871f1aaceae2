#pragma once

// The way to the other nodes over TCP, with a thread of its own.
//
//   auto link = tcp_link::start(system, env, {.self = ..., .listen = ...});
//   (*link)->bound();                    // with the port that was taken
//   (*link)->bind(conversation::raft, consensus);
//   (*link)->introduce(node_id{2}, {"host", 9393});
//   ...
//   (*link)->stop();                     // before the actor system ends
//
// Every node dials every other that it has been introduced to, or that has
// said hello to it, twice: the control lane carries the conversations raft and
// controller, and pings; the bulk lane carries replica. Messages go from who
// dialed to who accepted. A node is up from the greeting on the control lane
// that this node dialed until that lane breaks or is silent; it is refused
// when each of its addresses answers that nobody listens. Messages to a node
// that is not up are dropped; so is what does not fit into the bytes that may
// wait for one node. docs/formats/node-messages.md has what is on the wire.

#include "actors/environment.hpp"
#include "actors/node_link.hpp"
#include "actors/tcp_link_options.hpp"

#include <memory>

namespace millrace {

class tcp_link final : public node_link {
public:
  /// Listens and begins to turn. What comes in before the actors of this node
  /// are bound is lost.
  /// Errors: those of event_loop::listen(): an address in use, no such host.
  [[nodiscard]] static result<std::shared_ptr<tcp_link>> start(
    caf::actor_system& system, environment& env, tcp_link_options options);
  /// Stops.
  ~tcp_link() override;

  /// Where it listens, with the port that was really taken.
  [[nodiscard]] const endpoint& bound() const;
  /// What the others are told of it; an empty host is the one they see.
  [[nodiscard]] const endpoint& advertised() const override;
  void introduce(node_id node, const endpoint& address) override;
  /// Ends all connections and waits for the thread. Nothing is delivered or
  /// told afterwards. Not from the link's own thread; any other, repeatedly.
  void stop();

  [[nodiscard]] const tcp_link_counters& counters() const;

protected:
  void ship(node_id to, envelope message) override;

private:
  class impl;
  tcp_link(node_id self, std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace millrace
