#pragma once

// One node in simulation: the production actors in an actor system of their
// own on CAF's test scheduler, on disks in memory. A crash destroys the
// system and leaves the disks.

#include "actors/custom_deployments.hpp"
#include "actors/node_core.hpp"
#include "simulation/sim_clock.hpp"
#include "simulation/sim_environment.hpp"
#include "simulation/sim_gateway.hpp"
#include "simulation/sim_network.hpp"
#include "simulation/sim_world.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

namespace millrace {

/// Where clients find a node of a cluster.
[[nodiscard]] broker_endpoint sim_client_endpoint(node_id node);

/// How a node's life ends.
enum class sim_end : uint8_t {
  kill,           ///< as `kill -9`: the page cache survives (R5, R6)
  power_loss,     ///< everything that was not synced is lost
  torn_power_loss ///< some of what was not synced is lost
};

/// Every other node of a cluster has it, beside `/data`.
inline constexpr const char* sim_second_log_dir = "/data-b";

class sim_node {
public:
  /// @param settings Kafka's key names, on top of what a node needs
  /// @param network to the other nodes; null: the node is alone
  sim_node(sim_world& world, std::map<std::string, std::string> settings,
    sim_network* network = nullptr);
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
  void end(sim_end how);
  /// The node ends after `messages` more messages of its actors, wherever
  /// that is; a start that comes first forgets it. `ended` is called then.
  void end_after(uint64_t messages, sim_end how, std::function<void()> ended);
  /// The power goes in the middle of its `operations`-th disk operation from
  /// now, in a start too. `ended` is called then, but not in a boot(), which
  /// answers errc::offline.
  void end_in_disk_operation(
    uint64_t operations, sim_end how, std::function<void()> ended);

  /// No planned end and no fault of the disk that is still to come comes.
  void spare();

  /// Stands still, as a virtual machine or a stopped process does: no actor
  /// runs and no timer fires; what comes waits.
  void pause();
  /// What its actors want of the disks waits for `span`, and they go on.
  void slow_disks(sim_time span);
  /// Goes on. @param missed_time the clock has stood still too
  void resume(bool missed_time);
  [[nodiscard]] bool paused() const {
    return paused_;
  }
  /// An actor has died without which the node cannot go on: it wants to be
  /// killed and booted, as `serve` does.
  [[nodiscard]] bool failed() const {
    return failed_ && running();
  }

  /// Runs the ready actors in an order drawn from the seed until none is
  /// ready. True if any ran.
  bool settle();
  /// When the next timer of an actor is due in the world's time, or INT64_MAX.
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
  /// Called after every message that an actor has handled, with its id; it
  /// may have ended by then.
  std::function<void(caf::actor_id)> on_step;
  /// Users' own, which run with it from its next boot() on.
  std::shared_ptr<const custom_deployments> actors;

  [[nodiscard]] sim_disks& disks() {
    return disks_;
  }
  /// Added to the wall clock from now on.
  void shift_wall_clock(int64_t ms) {
    wall_shift_ms_ += ms;
  }
  /// Its monotonic clock gains `ppm` millionths from now on.
  void set_drift(int64_t ppm) {
    clock_.set_drift(world_.now(), ppm);
  }
  /// Messages that its actors have handled, in all its lives.
  [[nodiscard]] uint64_t steps() const {
    return steps_;
  }
  /// For checkers. Precondition: running().
  [[nodiscard]] const node_core& core() const {
    return *core_;
  }

private:
  struct system_config;

  /// An end that is planned; called when it has come.
  struct planned_end {
    uint64_t at_step = UINT64_MAX;
    sim_end how = sim_end::kill;
    std::function<void()> ended;
  };

  std::shared_ptr<node_link> make_link(const node_config& config);
  void stop_system(process_state left);
  bool meets_end();
  bool choose_job();

  sim_world& world_;
  std::map<std::string, std::string> settings_;
  sim_network* network_;
  node_id id_{0};
  sim_disks disks_;
  int64_t wall_shift_ms_ = 0;
  bool failed_ = false;
  bool paused_ = false;
  sim_time disks_wait_until_ = 0;
  sim_clock clock_; ///< of the actors
  uint64_t steps_ = 0;
  planned_end planned_;
  std::unique_ptr<sim_environment> env_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr; ///< of system_
  std::optional<node_core> core_;
  caf::actor gateway_;
  caf::actor custom_front_;
};

} // namespace millrace
