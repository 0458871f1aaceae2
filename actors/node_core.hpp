#pragma once

// The actors of a node but for its gateways: opened from the data directory,
// spawned in the order in which they need one another, and ended in the
// reverse. The same assembly runs in production and in the simulator.

#include "actors/disk.hpp"
#include "actors/environment.hpp"
#include "actors/image_keeper.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_counters.hpp"
#include "actors/node_link.hpp"
#include "actors/node_status.hpp"
#include "cluster/config_node.hpp"
#include "storage/log_dirs.hpp"

#include <functional>

namespace millrace {

struct node_core {
  std::shared_ptr<const node_config> config;
  std::shared_ptr<log_dirs> dirs;
  std::shared_ptr<node_counters> counters;
  std::shared_ptr<node_status> status;
  std::shared_ptr<node_link> link;
  uuid cluster;
  /// By log directory; of one that cannot be used there are none.
  std::vector<disk_team> disks;
  image_keeper_actor keeper;
  consensus_disk_actor consensus_disk;
  consensus_actor consensus;
  controller_actor controller;
  broker_actor broker;
  caf::actor watcher; ///< must end before the others are ended
};

/// Makes the way to the other nodes, once it is known who this one is.
using link_factory = std::function<result<std::shared_ptr<node_link>>(
  const node_config&, const directory_identity&)>;

/// Opens (or makes) the data directory and spawns the actors.
/// @param make_link what it makes lives as long as the actors
/// @param endpoints what this node's listeners came to
/// @param on_failure called once when an actor has died that cannot be
/// replaced alone: all have to be ended, and may be started again
/// Errors: those of data_directory::open (a sentence with cause and cure),
/// and of the metadata log and its image.
[[nodiscard]] result<node_core> start_node_core(caf::actor_system& system,
  environment& env, const link_factory& make_link, node_config config,
  std::vector<broker_endpoint> endpoints,
  std::function<void()> on_failure = {});

/// Ends what the broker has not ended itself; the broker's own end comes
/// first (stop_broker).
void end_node_core(const node_core& core);

} // namespace millrace
