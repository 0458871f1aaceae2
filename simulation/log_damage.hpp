#pragma once

// What a disk may do to the files of partitions while nobody looks: the next
// start is the first to see it.

#include "simulation/sim_file_system.hpp"
#include "simulation/sim_world.hpp"

#include <string>
#include <vector>

namespace millrace {

/// `<topic>-<partition>` of a file's directory, or what else it is called.
[[nodiscard]] std::string log_of(const std::string& path);

/// Flips a bit of a batch, in its header or anywhere behind. Returns whose log
/// it is, `<topic>-<partition>`; none if there is nothing to damage.
[[nodiscard]] std::vector<std::string> flip_a_bit(
  sim_file_system& disk, sim_world& world);

/// One block of a log was written to another place: there it stands over what
/// was there, in the same log or in another file of a partition, and its own
/// place is as it was before. Returns the logs whose records are concerned.
[[nodiscard]] std::vector<std::string> misdirect_a_write(
  sim_file_system& disk, sim_world& world);

} // namespace millrace
