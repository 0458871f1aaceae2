#pragma once

// The moves of replicas that are under way, whoever has begun them: how far
// they are, and how they are stopped.

#include "apps/cli/command.hpp"
#include "apps/cli/table.hpp"
#include "apps/client/replica_sizes.hpp"
#include "cluster/replica_moves.hpp"

#include <map>

namespace millrace::cli {

/// One row for each partition: from where, to where, and how many bytes of how
/// many are there; nothing where no node tells.
[[nodiscard]] table open_moves_table(
  const std::map<topic_partition, replica_move>& moves,
  const client::replica_sizes& sizes);

/// The two commands; both return their exit code.
[[nodiscard]] int show_open_moves(const command_context& context);
/// The partitions have again what they had before; the throttle is taken off.
[[nodiscard]] int stop_open_moves(const command_context& context);

} // namespace millrace::cli
