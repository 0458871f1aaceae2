#pragma once

// Several simulated nodes in one world: one loop that drives them all, and
// what can happen to them. A node that has ended comes back by itself after a
// while, as under a supervisor, until it is told to stay down.

#include "simulation/sim_node.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace millrace {

struct sim_cluster_options {
  int32_t nodes = 3;
  /// The first so many are the voters of the metadata.
  int32_t controllers = 3;
  /// For every node, beside those that make it a member.
  std::map<std::string, std::string> settings;
  /// Of the nodes, one after the other, over and over; none: they have none.
  std::vector<std::string> racks;
  /// How long a node that has ended stays away, at most.
  sim_time absence_max = 1 * sim_second;
};

class sim_cluster {
public:
  sim_cluster(sim_world& world, const sim_cluster_options& options);
  sim_cluster(const sim_cluster&) = delete;
  sim_cluster& operator=(const sim_cluster&) = delete;

  [[nodiscard]] int32_t size() const {
    return static_cast<int32_t>(nodes_.size());
  }
  /// @param index from 0; its id is one more
  [[nodiscard]] sim_node& node(int32_t index) {
    return *nodes_.at(static_cast<size_t>(index)).node;
  }
  [[nodiscard]] static node_id id_of(int32_t index) {
    return node_id{index + 1};
  }
  /// Empty: it has none.
  [[nodiscard]] std::string rack_of(int32_t index) const {
    const auto& racks = options_.racks;
    return racks.empty() ? std::string{}
                         : racks[static_cast<size_t>(index) % racks.size()];
  }
  [[nodiscard]] sim_network& network() {
    return network_;
  }
  [[nodiscard]] sim_world& world() {
    return world_;
  }

  // -- lives -----------------------------------------------------------------

  /// Starts all nodes, at different times within `spread`.
  void start_all(sim_time spread = 100 * sim_ms);
  void start(int32_t index);
  /// Ends it now; it comes back within absence_max.
  void end(int32_t index, sim_end how);
  /// It ends now, if it runs, and `what` happens to its disks.
  void damage(int32_t index, const std::function<void(sim_disks&)>& what);
  /// The same between two of its next `messages`.
  void end_after(int32_t index, uint64_t messages, sim_end how);
  /// The same in the middle of one of its next disk operations.
  void end_in_disk_operation(int32_t index, uint64_t operations, sim_end how);
  /// The same, in the middle of its next start: what recovers is not done.
  void end_in_next_start(int32_t index, uint64_t operations);
  /// Whatever end is planned does not come.
  void spare(int32_t index);
  /// The power of all machines goes at once.
  void end_all(sim_end how);
  /// It does not come back by itself any more.
  void keep_down(int32_t index);
  /// @param missed_time its clock stands still meanwhile, else it jumps
  void pause(int32_t index, sim_time span, bool missed_time);
  /// Ends a pause before its time.
  void resume(int32_t index);

  // -- time ------------------------------------------------------------------

  /// Everything that is ready runs; then time goes on to what comes next.
  /// False if nothing will ever happen any more.
  bool step();
  void run_for(sim_time span);
  /// Runs until `condition` holds. False if that takes longer than `span`.
  [[nodiscard]] bool run_until(
    const std::function<bool()>& condition, sim_time span);

  /// Called when a node has ended, with its index: its clients notice.
  std::function<void(int32_t)> on_end;
  /// Called after every message that an actor of a node has handled.
  std::function<void(int32_t, caf::actor_id)> on_step;

  [[nodiscard]] uint64_t starts() const {
    return starts_;
  }
  /// Starts that a node has asked for itself.
  [[nodiscard]] uint64_t restarts() const {
    return restarts_;
  }
  /// Why a node could not start on its disks, though nothing had been done to
  /// them that forbids it; or empty.
  [[nodiscard]] const std::string& failure() const {
    return failure_;
  }
  /// Depends on everything that has happened.
  [[nodiscard]] uint64_t trace_hash() const;

private:
  struct member {
    std::unique_ptr<sim_node> node;
    bool stays_down = false;
    uint64_t generation = 0; ///< of planned starts
    uint64_t pauses = 0;
    uint64_t end_in_start = 0;
  };

  [[nodiscard]] member& at(int32_t index) {
    return nodes_.at(static_cast<size_t>(index));
  }
  bool settle();
  void ended(int32_t index);
  void come_back(int32_t index, sim_time wait);

  sim_world& world_;
  sim_cluster_options options_;
  sim_network network_; // before the nodes, whose links lead to it
  std::vector<member> nodes_;
  uint64_t starts_ = 0;
  uint64_t restarts_ = 0;
  std::string failure_;
};

} // namespace millrace
