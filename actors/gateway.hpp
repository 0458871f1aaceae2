#pragma once

// A gateway with an epoll loop of its own: one thread that reads, writes and
// hosts the sessions of its connections. Its mailbox wakes the loop, so that
// answers are ordinary messages.

#include "actors/gateway_core.hpp"
#include "net/event_loop.hpp"

#include <caf/all.hpp>

namespace millrace {

/// The loop goes first: its sessions know the core.
struct gateway_parts {
  std::shared_ptr<gateway_core> core;
  std::shared_ptr<event_loop> loop; ///< listens already
};

/// Spawn with `caf::detached`; ends on an exit message, after sending what is
/// queued.
class gateway : public caf::blocking_actor {
public:
  gateway(caf::actor_config& config, gateway_parts parts);

  const char* name() const override {
    return "gateway";
  }
  void act() override;
  /// Runs on the sender's thread.
  void enqueue(
    caf::mailbox_element_ptr element, caf::execution_unit* unit) override;

private:
  bool drain();

  gateway_parts parts_;
};

} // namespace millrace
