#pragma once

// One replica of a partition. It gathers every batch that waits in its
// mailbox into one write, lets a disk actor make it durable, and answers as
// the acks of each batch ask for: all = on disk on every in-sync replica,
// 1 = written, 0 = never. Consumers see only below the high watermark, which
// is durable (R8).

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "cluster/replica_set.hpp"
#include "cluster/wall_clock_check.hpp"
#include "storage/file_cache.hpp"
#include "storage/partition_log.hpp"
#include "storage/write_budget.hpp"

#include <deque>
#include <map>

namespace millrace {

struct partition_options {
  topic_partition name;
  uuid topic_id;
  std::string directory;
  partition_settings settings;
  partition_registration registration;
  node_id node;
  std::optional<offset> log_start;    ///< from the checkpoint (R18)
  std::optional<offset> durable_hint; ///< from the checkpoint (R10)
  bool clean = false;                 ///< the last stop was clean
  disk_actor disk;                    ///< unlinks
  sync_planner_actor syncs;
  broker_actor broker;
  std::shared_ptr<file_cache> handles;
  std::shared_ptr<write_budget> budget;
};

/// A batch that is written and waits for the high watermark to pass it.
struct parked_produce {
  caf::strong_actor_ptr asker;
  produce_result answer;
  offset last_offset;
  int64_t until_ms = INT64_MAX; ///< then it is answered in any case
};

/// A fetch whose bytes are read into memory, so that sending them will not
/// hold up a whole event loop.
struct cold_fetch {
  caf::strong_actor_ptr asker;
  fetch_answer answer;
};

/// A fetch that found nothing and wants to know when there is something.
struct fetch_waiter {
  caf::strong_actor_ptr asker;
  uint64_t ticket = 0;
  offset seen;
  int64_t until_ms = 0;
};

struct partition_state {
  static inline const char* name = "partition";

  environment* env = nullptr;
  partition_options options;
  std::unique_ptr<partition_log> log; ///< null: not opened yet, or broken
  std::string broken;                 ///< why the log could not be opened
  bool may_recover = false; ///< for lack of space or descriptors: try again
  /// Who is in sync, and the high watermark; set when the log is open.
  std::optional<replica_set> replicas;
  offset high_watermark{0}; ///< as it was last told

  struct waiting_produce {
    caf::strong_actor_ptr asker;
    produce_entry entry;
  };
  std::vector<waiting_produce> gathered;
  bool gathering = false;

  std::deque<parked_produce> parked; ///< by last_offset, rising
  std::deque<fetch_waiter> waiters;
  std::map<uint64_t, cold_fetch> cold; ///< by the disk actor's ticket
  uint64_t next_cold = 0;
  bool syncing = false;
  bool sync_armed = false;          ///< a lazy sync is due (R8)
  bool deadline_armed = false;      ///< a produce_deadline is under way
  std::optional<write_share> dirty; ///< set from the begin on
  int64_t unsynced_bytes = 0;       ///< since the last sync began
  int64_t syncing_bytes = 0;        ///< what the sync under way covers
  int64_t unsynced_records = 0;
  int64_t next_complaint_ms = 0; ///< a full disk is logged now and then

  struct waiting_deletion {
    caf::strong_actor_ptr asker;
    uint64_t ticket = 0;
    offset before;
  };
  std::vector<waiting_deletion> deletions;
  wall_clock_check clock;

  caf::strong_actor_ptr closing; ///< who wants to know when it is closed
  bool close_clean = false;
};

partition_actor::behavior_type partition(
  partition_actor::stateful_pointer<partition_state> self, environment* env,
  partition_options options);

} // namespace millrace
