#pragma once

// One simulated run: a node, clients that produce, fetch and commit, and
// failures; at the end everything that was acknowledged is looked for.

#include <cstdint>
#include <string>

namespace millrace {

struct sim_options {
  uint64_t seed = 1;
  /// The run goes on until this many operations were acknowledged.
  uint64_t operations = 1000;
};

struct sim_report {
  uint64_t seed = 0;
  uint64_t nodes = 1;
  uint64_t acknowledged = 0; ///< produces, fetches with records, commits
  uint64_t events = 0;
  uint64_t crashes = 0; ///< power losses
  uint64_t kills = 0;   ///< the page cache survived
  uint64_t disconnects = 0;
  uint64_t disk_faults = 0;
  uint64_t failed_syncs = 0;
  uint64_t full_disks = 0;
  uint64_t clock_jumps = 0;
  uint64_t restarts = 0; ///< that the node itself has asked for
  int64_t virtual_ms = 0;
  uint64_t trace = 0;
  std::string failure; ///< the invariant that broke, or empty

  [[nodiscard]] bool ok() const {
    return failure.empty();
  }
};

[[nodiscard]] sim_report run_simulation(const sim_options& options);

/// `seed S nodes N ops O events E virtual V trace HASH ok`, or
/// `... FAILED invariant: ...`.
[[nodiscard]] std::string to_string(const sim_report& report);

} // namespace millrace
