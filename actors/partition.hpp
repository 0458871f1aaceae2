#pragma once

// One replica of a partition. As the leader it gathers every batch that waits
// in its mailbox into one write, ships it to the followers, lets a disk actor
// make it durable, and answers as the acks of each batch ask for: all = on
// disk on every in-sync replica, 1 = written, 0 = never. As a follower it
// pulls from the leader (partition_follower). Consumers see only below the
// high watermark, which is durable (R8).

#include "actors/environment.hpp"
#include "actors/interfaces.hpp"
#include "actors/node_link.hpp"
#include "cluster/replica_set.hpp"
#include "cluster/wall_clock_check.hpp"
#include "storage/file_cache.hpp"
#include "storage/partition_log.hpp"
#include "storage/write_budget.hpp"

#include <deque>
#include <map>
#include <unordered_map>

namespace millrace {

struct partition_options {
  topic_partition name;
  uuid topic_id;
  std::string directory;
  partition_settings settings;
  partition_registration registration;
  node_id node;
  int64_t broker_epoch = -1;            ///< of the node's registration
  std::optional<offset> log_start;      ///< from the checkpoint (R18)
  std::optional<offset> durable_hint;   ///< from the checkpoint (R10)
  std::optional<offset> high_watermark; ///< from the checkpoint, a lower bound
  bool clean = false;                   ///< the last stop was clean
  disk_actor disk;                      ///< unlinks
  sync_planner_actor syncs;
  caf::strong_actor_ptr broker; ///< its broker_actor
  std::shared_ptr<file_cache> handles;
  std::shared_ptr<write_budget> budget;
  /// For partitions with several replicas.
  caf::strong_actor_ptr controller; ///< this node's controller_actor
  throttle_actor throttle;
  std::shared_ptr<node_link> link;
  transaction_front_actor transactions;
  /// Who speaks to the share coordinators; null: there are no share groups.
  caf::strong_actor_ptr shares;
  compactor_actor compactor;
  offset clean_until{0}; ///< from the checkpoint

  [[nodiscard]] bool replicated() const {
    return registration.replicas.size() > 1;
  }
};

/// A batch that is written and waits for the high watermark to pass it.
struct parked_produce {
  caf::strong_actor_ptr asker;
  produce_result answer;
  offset last_offset;
  bool all = true;              ///< acks=all
  int64_t until_ms = INT64_MAX; ///< then it is answered in any case
};

/// A fetch whose bytes are read into memory, so that sending them will not
/// hold up a whole event loop.
struct cold_fetch {
  caf::strong_actor_ptr asker;
  fetch_ask ask;
};

struct share_seat; // partition_share.hpp

/// A share fetch that found its bytes on the disk only.
struct share_waiting {
  caf::strong_actor_ptr asker;
  uint64_t ticket = 0;
};

/// What lets throttled bytes through, once.
struct throttle_pass {
  bool asked = false; ///< its turn has not come yet
  bool held = false;
  int64_t charged = 0; ///< for it
};

/// What a leader knows of a follower besides its positions, which are in
/// replica_set.
struct follower_view {
  uint64_t number = 0;       ///< of its latest message
  uint64_t fetch_number = 0; ///< of its latest fetch
  int64_t broker_epoch = -1;
  bool waits = false;      ///< its fetch has not been answered
  bool waited_for = false; ///< consumers wait there
  bool reading = false;    ///< a disk actor reads for it
  offset log_start{0};
  offset next{0}; ///< what it waits for
  int32_t bytes_max = 0;
  offset told_high_watermark{-1};
  offset told_log_start{0};
  int64_t nudge_at_ms = 0; ///< if it is behind and silent until then
  int64_t patience_ms = 0;
  throttle_pass pass;
};

/// How a follower stands with its leader.
struct following {
  uint64_t first_number = 0; ///< of this leadership
  uint64_t asked = 0;        ///< the fetch that is under way; 0: none
  bool matches = false;      ///< the leader has said so, in this leadership
  /// It has once: from then on the leader's log only goes on where this ends.
  bool has_matched = false;
  int64_t ask_at_ms = 0; ///< if nothing is heard until then
  int64_t patience_ms = 0;
  offset told_durable{0};
  bool waited_for = false;      ///< somebody waits for this disk
  bool told_waited_for = false; ///< the leader knows that consumers wait here
  bool refused = false;         ///< what the leader sent last was damaged (R12)
  offset leader_high_watermark{-1};
  /// The log is to end, or to begin again, here: when the hints are durable.
  struct cut {
    offset to;
    bool restart = false;
  };
  std::optional<cut> cutting;
  offset saving_start{0}; ///< the broker makes this log start durable
  throttle_pass pass;
};

/// A fetch that found nothing and wants to know when there is something.
struct fetch_waiter {
  caf::strong_actor_ptr asker;
  uint64_t ticket = 0;
  offset seen;
  int64_t until_ms = 0;
  bool read_committed = false;
};

struct partition_state {
  static inline const char* name = "partition";

  environment* env = nullptr;
  partition_options options;
  std::unique_ptr<partition_log> log; ///< null: not opened yet, or broken
  std::string broken;                 ///< why the log could not be opened
  bool may_recover = false; ///< for lack of space or descriptors: try again
  /// Who is in sync, and the high watermark; set while this replica leads and
  /// the log is open.
  std::optional<replica_set> replicas;
  /// Set while another one leads and the log is open.
  std::optional<following> follow;
  offset high_watermark{0}; ///< as it was last told

  [[nodiscard]] bool leads() const {
    return replicas.has_value();
  }

  struct waiting_produce {
    caf::strong_actor_ptr asker;
    produce_entry entry;
    bool checked = false; ///< its coordinator has let it in
  };
  std::vector<waiting_produce> gathered;
  bool gathering = false;

  /// What one producer has sent of a transaction that is not known here.
  struct held_producer {
    uint64_t ticket = 0; ///< of the question to the coordinator
    transaction_check question;
    bool ended = false; ///< by a marker since
    std::vector<waiting_produce> entries;
  };
  std::unordered_map<producer_id, held_producer> held;
  std::unordered_map<uint64_t, producer_id> checks; ///< by ticket
  uint64_t next_check = 0;

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
  byte_counts carried; ///< of clients, while this replica led
  int64_t led_since_ms = 0;
  int64_t refused_ms = INT64_MIN / 2; ///< a write that may be tried again
  int64_t next_complaint_ms = 0;
  /// Whether trouble that may come with every message is logged now: once a
  /// minute.
  [[nodiscard]] bool may_complain(int64_t now_ms) {
    if (now_ms < next_complaint_ms)
      return false;
    next_complaint_ms = now_ms + 60'000;
    return true;
  }

  struct waiting_deletion {
    caf::strong_actor_ptr asker;
    uint64_t ticket = 0;
    offset before;
  };
  std::vector<waiting_deletion> deletions;
  wall_clock_check clock;

  /// How the log stands with the compactor.
  struct compaction_state {
    offset clean_until{0};
    std::shared_ptr<compaction_gate> gate; ///< of the job that runs
    int64_t now_ms = 0;                    ///< when the clock was trusted last
    bool failed = false;                   ///< not tried any more
    bool held = false;                     ///< it is being copied
  };
  compaction_state compaction;

  // -- of share groups, while this replica leads
  std::map<std::string, std::shared_ptr<share_seat>> shares; ///< by group
  std::map<uint64_t, std::string> share_tickets; ///< whom a question is about
  uint64_t next_share_ticket = 0;
  std::map<uint64_t, share_waiting> cold_for_shares; ///< like `cold`
  uint64_t share_timer_generation = 0;
  int64_t share_timer_at_ms = 0; ///< 0: not set

  // -- of partitions with several replicas
  std::map<node_id, follower_view> followers;
  /// Fetches of leaderships that this node has not heard of yet.
  std::map<node_id, replica_message> early;
  std::map<uint64_t, node_id> cold_for_replicas; ///< like `cold`
  uint64_t next_number = 0;                      ///< of a message to the leader
  uint64_t replica_timer_generation = 0;
  int64_t replica_timer_at_ms = 0;  ///< 0: not set
  uint64_t proposal = 0;            ///< the ticket of the latest
  int64_t proposal_over_ms = 0;     ///< then it counts as lost
  bool opened_unregistered = false; ///< how the log was found went with that
  int64_t next_proposal_ms = 0;     ///< after one that failed
  int64_t proposal_pause_ms = 0;

  caf::strong_actor_ptr closing; ///< who wants to know when it is closed
  bool close_clean = false;
};

partition_actor::behavior_type partition(
  partition_actor::stateful_pointer<partition_state> self, environment* env,
  partition_options options);

} // namespace millrace
