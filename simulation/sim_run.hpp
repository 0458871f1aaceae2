#pragma once

// One simulated run: one node or several, clients that produce, fetch and
// commit, and failures; at the end everything that was acknowledged is looked
// for.

#include "simulation/cluster_faults.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace millrace {

struct sim_options {
  uint64_t seed = 1;
  /// The run goes on until this many operations were acknowledged.
  uint64_t operations = 1000;
  int32_t nodes = 1;
  /// Of several nodes: one alone meets faults of its own.
  sim_fault_set faults = sim_fault_set{}.set();
  /// Of several nodes: faults go on for at least so long.
  sim_time least = 0;
  /// Of several nodes: a share group, or a consumer group whose members speak
  /// both protocols, reads there, too.
  bool groups = false;
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
  /// Of several nodes, by sim_fault.
  std::array<uint64_t, sim_fault_count> faults{};
  uint64_t starts = 0;         ///< of nodes
  uint64_t moves = 0;          ///< leaders that clients found elsewhere
  uint64_t follower_reads = 0; ///< fetches of records that others lead
  uint64_t transactions = 0;   ///< that clients know to be committed
  uint64_t shared = 0;         ///< records that a share group is done with
  uint64_t group_moves = 0;    ///< of partitions between members of a group
  uint64_t late_commits = 0;   ///< refused, of members that had lost theirs
  uint64_t leaderships = 0;    ///< leaders that partitions had
  uint64_t elections = 0;      ///< leaders that the metadata had
  uint64_t reassignments = 0;  ///< of partitions
  uint64_t config_changes = 0;
  uint64_t voter_changes = 0; ///< acknowledged, of the metadata
  uint64_t wiped_voters = 0;  ///< of the metadata
  uint64_t messages = 0;      ///< between nodes
  int64_t virtual_ms = 0;
  uint64_t trace = 0;
  std::string failure; ///< the invariant that broke, or empty

  [[nodiscard]] bool ok() const {
    return failure.empty();
  }
};

[[nodiscard]] sim_report run_simulation(const sim_options& options);

/// The command that gives the same run.
[[nodiscard]] std::string replay_line(const sim_options& options);

/// `seed S nodes N ops O events E virtual V trace HASH ok`, or
/// `... FAILED invariant: ...`.
[[nodiscard]] std::string to_string(const sim_report& report);

} // namespace millrace
