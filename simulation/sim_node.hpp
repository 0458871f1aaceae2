#pragma once

// One node in simulation: the production actors in an actor system of their
// own on CAF's test scheduler, on disks in memory. A crash destroys the
// system and leaves the disks.

#include "actors/node_core.hpp"
#include "simulation/sim_environment.hpp"
#include "simulation/sim_gateway.hpp"
#include "simulation/sim_world.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

namespace millrace {

class sim_node {
public:
  /// @param settings Kafka's key names, on top of what a node needs
  sim_node(sim_world& world, std::map<std::string, std::string> settings);
  ~sim_node();

  /// Starts the node on its disks. The error is what `serve` would print.
  [[nodiscard]] result<void> boot();
  [[nodiscard]] bool running() const {
    return system_ != nullptr;
  }
  /// The power goes: what was not synced is lost as `policy` says.
  void crash(crash_policy policy);
  /// Like `kill -9`: the page cache survives, and with it what the disk may
  /// never see (R5, R6).
  void kill();
  /// An actor has died without which the node cannot go on: it wants to be
  /// killed and booted, as `serve` does.
  [[nodiscard]] bool failed() const {
    return failed_;
  }

  /// Runs the ready actors in an order drawn from the seed until none is
  /// ready. True if any ran.
  bool settle();
  /// When the next timer of an actor is due, or INT64_MAX.
  [[nodiscard]] sim_time next_timer() const;
  /// Moves the node's clock to the world's time, which fires due timers.
  void advance();
  /// Everything that happens in the world within `span` of virtual time.
  void run_for(sim_time span);

  // -- the clients' side -----------------------------------------------------

  void connect(uint64_t id);
  void input(uint64_t id, std::string bytes);
  void disconnect(uint64_t id);
  /// Set before boot().
  sim_output output;

  [[nodiscard]] sim_disks& disks() {
    return disks_;
  }
  /// Added to the wall clock from now on.
  void shift_wall_clock(int64_t ms) {
    wall_shift_ms_ += ms;
  }

private:
  struct system_config;

  caf::scheduler::test_coordinator& scheduler() const;
  void stop_system();

  sim_world& world_;
  std::map<std::string, std::string> settings_;
  sim_disks disks_;
  int64_t wall_shift_ms_ = 0;
  bool failed_ = false;
  sim_time clock_ = 0; ///< how far this incarnation's actor clock is
  std::unique_ptr<sim_environment> env_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::optional<node_core> core_;
  caf::actor gateway_;
};

} // namespace millrace
