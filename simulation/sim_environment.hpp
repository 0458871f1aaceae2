#pragma once

// A node's outside in simulation: disks in memory, clocks that the simulator
// sets, random numbers from the run's seed, and no threads.

#include "actors/environment.hpp"
#include "simulation/sim_file_system.hpp"
#include "simulation/sim_image_store.hpp"

#include <functional>
#include <map>
#include <random>

namespace millrace {

/// What survives the crash of a node: its disks.
struct sim_disks {
  explicit sim_disks(uint64_t seed) : files(std::mt19937_64{seed}) {}

  sim_file_system files;
  std::map<std::string, std::shared_ptr<sim_image_disk>> images;

  /// The power of the node goes and comes back.
  void crash(crash_policy policy);
  /// The process dies, and the machine goes on.
  void kill();
  /// They are new ones. Precondition: nobody uses them.
  void wipe();
  /// Depends on every disk operation so far.
  [[nodiscard]] uint64_t trace_hash() const;
};

class sim_environment : public environment {
public:
  /// @param wall_clock milliseconds since 1970; may jump
  sim_environment(
    sim_disks& disks, uint64_t seed, std::function<int64_t()> wall_clock)
      : disks_(disks), rng_(seed), wall_clock_(std::move(wall_clock)) {}

  file_system& files() override {
    return disks_.files;
  }
  result<std::unique_ptr<image_store>> open_images(
    const std::string& directory) override;
  int64_t wall_clock_ms() override {
    return wall_clock_();
  }
  uint64_t random() override {
    return rng_();
  }
  bool has_threads() const override {
    return false;
  }

private:
  sim_disks& disks_;
  std::mt19937_64 rng_;
  std::function<int64_t()> wall_clock_;
};

} // namespace millrace
