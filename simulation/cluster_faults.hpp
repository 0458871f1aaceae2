#pragma once

// What goes wrong in a run: which fault comes when, for how long, and to
// whom, all from the world's seed. Each kind can be asked for by its name.

#include "schema/result.hpp"
#include "simulation/cluster_client.hpp"
#include "simulation/fault_atlas.hpp"

#include <array>
#include <bitset>
#include <string>
#include <string_view>

namespace millrace {

enum class sim_fault : uint8_t {
  // Network.
  rough,       ///< messages lost, doubled, reordered, late
  one_way,     ///< nothing gets from one node to another
  isolation,   ///< a node hears and reaches nobody
  halves,      ///< two groups do not hear one another
  bridge,      ///< two groups, and one node that hears both
  ring,        ///< each node hears its two neighbours alone
  swizzle,     ///< clogged one after the other, and freed in another order
  mute,        ///< a way that swallows everything and looks open
  false_alarm, ///< told that a live node is down, or gone
  client_cut,  ///< a node's clients wait
  client_gone, ///< a client's connection breaks
  // Processes.
  kill,           ///< between any two messages
  power_loss,     ///< between any two messages
  disk_operation, ///< the power goes in the middle of one
  recovery,       ///< the power goes in the middle of a start
  pause,          ///< 1 ms to 120 s, and then goes on as a zombie
  blackout,       ///< the power of all goes at once
  // Clocks and disks.
  clock_jump,
  clock_drift,
  failed_sync,
  full_disk,
  slow_disk,    ///< what is asked of it waits for up to 4 s
  moved_log,    ///< to the node's other log directory, if it has two
  bit_flip,     ///< in the header of a batch, while the node is away
  misdirected,  ///< a block of a log lies elsewhere, where others should be
  wiped_disk,   ///< all of a node, of a voter of the metadata too
  log_dir_gone, ///< a node's second log directory is empty
  log_dir_away, ///< it cannot be used until the node ends once more
};

inline constexpr size_t sim_fault_count = 28;

[[nodiscard]] const char* to_string(sim_fault fault);

using sim_fault_set = std::bitset<sim_fault_count>;

/// `all`, `none`, or names with commas between them. Errors: invalid_argument
/// with a sentence that has all names.
[[nodiscard]] result<sim_fault_set> parse_faults(std::string_view text);

class cluster_faults {
public:
  /// @param atlas knows which damage can be repaired
  cluster_faults(
    cluster_clients& clients, fault_atlas& atlas, sim_fault_set kinds);

  void start();
  /// No more of them, and everything that is broken is made good: nodes are
  /// started or go on, cuts are mended, disks have room.
  void stop_and_heal();

  [[nodiscard]] const std::array<uint64_t, sim_fault_count>& counts() const {
    return counts_;
  }

private:
  void plan();
  void strike(sim_fault fault);
  void strike_later(sim_fault fault);
  bool network_fault(sim_fault fault);
  void process_fault(sim_fault fault);
  void machine_fault(sim_fault fault);

  void separate(const std::function<bool(int32_t, int32_t)>& apart);
  void swizzle();
  void pause_one();
  void fail_a_sync(int32_t node);
  void fill_the_disk(int32_t node);
  bool damage(sim_fault fault, int32_t node);
  bool move_a_log(int32_t node);
  bool log_dir_fault(sim_fault fault, int32_t node);

  [[nodiscard]] int32_t any();
  [[nodiscard]] int32_t any_with_second_dir();
  [[nodiscard]] sim_end any_end();
  /// Between the two, each doubling as likely as the next.
  [[nodiscard]] sim_time span(sim_time least, sim_time most);

  cluster_clients& clients_;
  fault_atlas& atlas_;
  sim_cluster& cluster_;
  sim_world& world_;
  std::vector<sim_fault> kinds_;
  std::array<uint64_t, sim_fault_count> counts_{};
  sim_fault_set waiting_; ///< kinds that strike later
  bool over_ = false;
  sim_time separated_until_ = 0;
  sim_time long_pause_until_ = 0;
  /// Of nodes whose second log directory is away: whoever has it.
  std::map<int32_t, std::unique_ptr<directory_lock>> away_;
};

} // namespace millrace
