#pragma once

// The broker role of a node: what the metadata gives to this node, the
// broker runs. It spawns a partition actor for each replica and a coordinator
// beside each partition of __consumer_offsets and __transaction_state that is
// led here, tells them who leads what, ends them when their topic is deleted or
// they have been moved away, starts them again when they die, keeps the
// checkpoints of the data directory, and tells the gateways where everything
// is.

#include "actors/disk.hpp"
#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_counters.hpp"
#include "actors/node_link.hpp"
#include "actors/node_status.hpp"
#include "cluster/config_node.hpp"
#include "cluster/group_config.hpp"
#include "cluster/load_meter.hpp"
#include "storage/file_cache.hpp"
#include "storage/log_dirs.hpp"
#include "storage/write_budget.hpp"

namespace millrace {

struct broker_options {
  std::shared_ptr<const node_config> config;
  std::shared_ptr<log_dirs> dirs;
  uuid incarnation; ///< new at every start
  std::vector<broker_endpoint> endpoints;
  controller_actor controller;
  std::vector<disk_team> disks; ///< by log directory
  std::shared_ptr<file_cache> handles;
  std::shared_ptr<write_budget> budget;
  std::shared_ptr<node_status> status;
  std::shared_ptr<node_counters> counters;
  uuid cluster;
  image_keeper_actor keeper;
  std::shared_ptr<node_link> link;
};

struct broker_state {
  static inline const char* name = "broker";

  struct replica {
    partition_actor actor;
    uuid topic_id;
    int32_t told_epoch = -1; ///< the partition epoch that it knows
    bool offline = false;
  };
  /// Of groups, or of transactions.
  struct coordinator {
    caf::strong_actor_ptr actor;
    leader_epoch epoch{0}; ///< of the leadership that it belongs to
  };

  /// A replica's log on its way to another log directory.
  struct replica_move {
    enum class stage : uint8_t {
      copying, ///< the log is in use
      closing, ///< the replica is to end
      closed,  ///< nobody has the log
    };
    uuid topic;
    size_t to = 0;
    std::string directory; ///< where the copy is
    stage at = stage::copying;
    int64_t size_bytes = 0; ///< of the copy
    offset end{0};
  };

  environment* env = nullptr;
  broker_options options;
  metadata_image image;
  std::map<topic_partition, replica> replicas;
  std::map<topic_partition, coordinator> coordinators;
  /// Coordinators that have died, or could not load their log: the next tick
  /// starts them.
  std::set<topic_partition> resting;
  /// What coordinators are told of the image; null: to be made of it again.
  std::shared_ptr<const topic_view> topics;
  replica_front_actor front; ///< null where there are no other nodes
  transaction_front_actor transactions;
  share_front_actor shares;
  throttle_actor throttle; ///< likewise
  std::vector<compactor_actor> compactors;
  std::map<size_t, log_mover_actor> movers; ///< by log directory
  std::map<topic_partition, replica_move> moves;
  std::vector<caf::strong_actor_ptr> gateways;
  /// They hear nothing before this broker is registered and its partitions
  /// are there: an empty directory is no directory.
  std::vector<caf::strong_actor_ptr> waiting_gateways;

  /// Partitions of deleted topics whose actors have not ended yet.
  std::map<topic_partition, uuid> closing;
  /// Not registered yet: nothing is led before the new epochs are granted.
  bool registered = false;
  /// All that this start has found in the metadata has been followed: what
  /// comes from here on has no log yet.
  bool knows_its_replicas = false;
  bool asked_to_register = false;
  /// The logs are opened of all that the metadata up to this entry tells; 0:
  /// the controller is to say which it is.
  int64_t open_up_to = 0;
  int64_t broker_epoch = -1;
  /// Replicas whose logs are being opened: the registration says what they
  /// have lost (R10).
  std::set<topic_partition> opening;
  std::vector<replica_loss> lost;
  /// Recovery had to cut them: others may have more.
  std::vector<replica_cut> cut_short;

  load_meter meter;
  int64_t next_load_ms = 0;       ///< monotonic
  int64_t next_retention_ms = 0;  ///< likewise
  int64_t next_compaction_ms = 0; ///< likewise
  /// Could not be started, and this was told; every tick tries again.
  std::map<topic_partition, replica_history> failed;

  caf::strong_actor_ptr stopping; ///< who waits for the end
  bool all_clean = true;
};

broker_actor::behavior_type broker(
  broker_actor::stateful_pointer<broker_state> self, environment* env,
  broker_options options);

} // namespace millrace
