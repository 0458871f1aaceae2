#pragma once

// Every message between the actors of one node. They are plain structs that
// never leave the process (between nodes, one `envelope` of Cap'n Proto bytes
// travels instead).
//
// A `ticket` names a question: whoever asks makes it up, whoever answers
// gives it back. It means nothing to anyone but the asker.

#include "cluster/controller_state.hpp"
#include "cluster/group_registry.hpp"
#include "cluster/metadata_image.hpp"
#include "cluster/transaction_errors.hpp"
#include "schema/kafka/add_raft_voter.hpp"
#include "schema/kafka/alter_configs.hpp"
#include "schema/kafka/create_partitions.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/delete_topics.hpp"
#include "schema/kafka/describe_configs.hpp"
#include "schema/kafka/describe_quorum.hpp"
#include "schema/kafka/incremental_alter_configs.hpp"
#include "schema/kafka/init_producer_id.hpp"
#include "schema/kafka/list_config_resources.hpp"
#include "schema/kafka/remove_raft_voter.hpp"
#include "schema/kafka_error.hpp"
#include "schema/metadata_command.hpp"
#include "schema/replica_message.hpp"
#include "schema/shared_bytes.hpp"
#include "schema/types.hpp"
#include "storage/partition_log.hpp"

#include <caf/all.hpp>

namespace millrace {

// -- gateway and coordinator -> partition ------------------------------------

/// One batch to append. acks as in the protocol: 0, 1 or -1 (all).
struct produce_entry {
  uint64_t ticket = 0;
  shared_bytes batch;
  int16_t acks = -1;
  /// How long acks=all may wait for the high watermark; -1: without end.
  int32_t timeout_ms = -1;
  append_origin origin = append_origin::client;
  /// Of a transactional batch: to find its coordinator by, and what its client
  /// knows of transactions.
  std::string transactional_id;
  transaction_support support = transaction_support::fatal_errors;
  /// Of a marker: what its producer does about epochs (KIP-890).
  int8_t transaction_version = 0;
  /// In this leadership or not at all; no_leader_epoch: in any.
  leader_epoch leadership = no_leader_epoch;
};

/// What one turn of a gateway brought for one partition.
struct produce_many {
  std::vector<produce_entry> entries;
};

/// Answers one produce_entry, also one with acks=0: its client hears nothing
/// of it, but a failure closes the connection.
struct produce_result {
  uint64_t ticket = 0;
  kafka_error error = kafka_error::none;
  offset base_offset{-1};
  int64_t log_append_time_ms = -1;
  offset log_start{-1};
  std::string message;
  std::vector<record_error> record_errors;
};

struct produce_results {
  std::vector<produce_result> results;
};

struct fetch_ask {
  uint64_t ticket = 0;
  offset from;
  int32_t bytes_max = 0;
  leader_epoch current_epoch = no_leader_epoch;
  leader_epoch last_fetched_epoch = no_leader_epoch;
  /// If there are fewer bytes than this to read, say `data_ready` when there
  /// are more, unless that is after `wait_until_ms` (monotonic_ms).
  int32_t wait_below_bytes = 1;
  int64_t wait_until_ms = 0;
  /// Whether a batch above bytes_max may be given when it is the first.
  bool at_least_one = true;
  /// Whether a follower may answer, too (KIP-392).
  bool any_replica = false;
  /// Only what is below the last stable offset.
  bool read_committed = false;
  /// Followers that are nearer to the asker: the leader gives the best of
  /// them instead of records, if one has `from`.
  std::vector<node_id> nearer;
};

struct fetch_asks {
  std::vector<fetch_ask> asks;
};

struct fetch_answer {
  uint64_t ticket = 0;
  kafka_error error = kafka_error::none;
  offset high_watermark{-1};
  offset last_stable{-1};
  offset log_start{-1};
  /// Of which `slices` may hold batches; asked for by read_committed.
  std::vector<ended_transaction> aborted;
  /// Set if the asker's last fetched epoch diverges from this log (KIP-595).
  std::optional<epoch_end> diverging;
  leader_epoch current_epoch = no_leader_epoch;
  node_id read_from = no_node; ///< ask that replica instead
  bool by_follower = false;
  std::vector<file_slice> slices;
  size_t bytes = 0;
  bool more = false; ///< the next batch did not fit
};

struct fetch_answers {
  std::vector<fetch_answer> answers;
};

/// There may be more to read than when `ticket` was answered.
struct data_ready {
  std::vector<uint64_t> tickets;
};

// -- questions to a partition that are not hot -------------------------------

struct ask_offset_by_time {
  int64_t timestamp = -1; ///< as in ListOffsets: -1 latest, -2 earliest, ...
  bool read_committed = false;
  leader_epoch current_epoch = no_leader_epoch;
};
struct ask_epoch_end {
  leader_epoch epoch;
  leader_epoch current_epoch = no_leader_epoch;
};
struct ask_delete_records {
  offset before; ///< -1: up to the high watermark
};
struct ask_producers {};
struct ask_size {};
/// Whole batches from `from`, copied: how a coordinator replays its log.
struct ask_bytes {
  offset from;
  size_t bytes_max = 1u << 20;
};

using log_question = std::variant<ask_offset_by_time, ask_epoch_end,
  ask_delete_records, ask_producers, ask_size, ask_bytes>;

struct log_ask {
  uint64_t ticket = 0;
  log_question question;
};

struct log_answer {
  uint64_t ticket = 0;
  kafka_error error = kafka_error::none;
  std::string message;
  offset found{-1};
  int64_t timestamp = -1;
  leader_epoch epoch = no_leader_epoch;
  offset log_start{-1};
  offset high_watermark{-1};
  offset log_end{-1};
  offset clean_until{0}; ///< by compaction
  int64_t size_bytes = 0;
  shared_bytes bytes;
  std::vector<producer_info> producers;
};

// -- within and below a partition --------------------------------------------

/// A broker to itself: it has not been let in yet.
struct register_again {};

/// A partition to itself: append what has gathered.
struct gather_now {};

/// A partition to itself: a produce may have waited for too long.
struct produce_deadline {};

/// A partition to itself: what was written without a waiter is due (R8).
struct lazy_sync {};

/// Make a log's bytes durable. Answered by sync_done.
struct sync_ask {
  uint64_t ticket = 0;
  partition_log::sync_job job;
};

struct sync_done {
  uint64_t ticket = 0;
  partition_log::sync_job job;
  result<void> outcome;
};

/// One log that waits to be durable, on its way through planner and disk.
struct sync_entry {
  caf::strong_actor_ptr asker;
  uint64_t ticket = 0;
  partition_log::sync_job job;
  result<void> outcome;
};

/// The planner's order to a disk actor. Answered by sync_ran.
struct sync_run {
  size_t worker = 0;
  bool together = false; ///< by one sync of the volume
  std::vector<sync_entry> entries;
};

struct sync_ran {
  size_t worker = 0;
  bool together = false;
  result<void> volume_outcome; ///< of a sync of the volume
  int64_t took_us = 0;
  std::vector<sync_entry> entries;
};

/// Unlink these files, or directories with all below; nobody waits for it.
struct remove_paths {
  std::vector<std::string> paths;
};

/// Read these ranges so that they are in memory; answered by warm_done, with
/// the ticket.
struct warm_ask {
  uint64_t ticket = 0;
  std::vector<file_slice> slices;
};

struct warm_done {
  uint64_t ticket = 0;
};

/// A partition to its broker: this is about to be the log's start, make it
/// durable (R18). Answered by log_start_saved.
struct save_log_start {
  topic_partition name;
  offset start;
};

struct log_start_saved {
  offset start;
  bool ok = true;
};

/// Housekeeping: roll, retention, expiry, checkpoint.
struct partition_tick {
  bool retention = false;  ///< also look what is to be deleted
  bool compaction = false; ///< and what is to be compacted
};

struct partition_settings {
  log_config log;
  enum class durability : uint8_t { fsync, fsync_always, os } survives
    = durability::fsync;
  int64_t flush_messages = INT64_MAX;
  int64_t flush_ms = INT64_MAX;
  int32_t min_insync_replicas = 1;
  /// How long, and how much, may stay in memory when nobody waits (R8).
  int64_t lazy_sync_ms = 50;
  int64_t lazy_sync_bytes = 16 << 20;
  /// How long a member of the ISR may lack what there is.
  int64_t replica_lag_ms_max = 1000;
  int32_t replica_fetch_bytes_max = 1 << 20;
  /// Whether this replica, as the leader or not, is among those that move no
  /// faster than is configured to others, or itself, while not in sync.
  bool throttled_leading = false;
  bool throttled_following = false;
};

/// What the controller has decided about this partition, and how it is to be
/// kept: who leads it may be new, and so this replica's role.
struct partition_assigned {
  partition_registration registration;
  partition_settings settings;
  int64_t broker_epoch = -1; ///< of this node's registration
};

/// A follower's or a leader's word, from another node.
struct from_replica {
  node_id node;
  replica_message message;
};

/// A partition to itself: somebody may have been silent for too long.
struct replica_timer {
  uint64_t generation = 0;
};

/// A broker to its throttle: bytes a second to and from others' replicas.
struct throttle_rates {
  int64_t leading = INT64_MAX;
  int64_t following = INT64_MAX;
};

/// What a leader sends to replicas elsewhere, or what a follower takes.
enum class throttled_way : uint8_t { leading, following };

/// A partition wants to move about so many bytes. Answered by throttle_turn
/// with the same ticket when it may.
struct throttle_ask {
  throttled_way way = throttled_way::leading;
  uint64_t ticket = 0;
  int64_t bytes = 0;
};

/// So many bytes are accounted for: throttle_refund tells what of them was
/// not moved.
struct throttle_turn {
  throttled_way way = throttled_way::leading;
  uint64_t ticket = 0;
  int64_t bytes = 0;
};

/// Negative: more were moved.
struct throttle_refund {
  throttled_way way = throttled_way::leading;
  int64_t bytes = 0;
};

/// The throttle to itself: a turn may have come.
struct throttle_timer {
  uint64_t generation = 0;
};

/// A partition to its broker: before the log is cut, its durable hint must
/// not claim more than stays (R10). Answered by hints_saved.
struct save_hints {
  topic_partition name;
  offset log_start;
  offset durable;
};

struct hints_saved {
  offset durable;
  bool ok = true;
};

/// A broker to its replica_front: messages about this partition go to that
/// actor from now on; to nobody if it is null.
struct replica_place {
  uuid topic;
  int32_t partition = 0;
  caf::strong_actor_ptr actor;
};

/// Sync, write what speeds up the next start, answer `partition_closed`.
struct close_partition {
  bool clean = true;
};

struct partition_closed {
  topic_partition name;
  bool clean = true;
  bool opened = false; ///< the log was in use, and its offsets are:
  offset log_start{0};
  offset log_end{0}; ///< all of it durable if clean
};

/// What a partition tells its broker now and then.
struct partition_state_report {
  topic_partition name;
  offset log_start;
  offset high_watermark;
  offset durable_end;
  offset log_end;
  int64_t size_bytes = 0;
  bool offline = false;
  /// What was on this disk once and cannot be read any more; all of it if the
  /// log cannot be opened.
  offset lost_first{0};
  offset lost_end{0};
  /// Recovery had to cut the log; then also where it ends.
  bool cut_short = false;
  leader_epoch last_epoch{-1}; ///< of the last batch; -1: there is none
  /// Of clients, as long as this replica has led, since the actor started.
  byte_counts carried = {};
  offset clean_until{0}; ///< by compaction
};

// -- consensus and controller ------------------------------------------------

/// Topics that a client asked about and that may be made on first use.
struct auto_create_topics {
  std::vector<std::string> names;

  friend bool operator==(const auto_create_topics&, const auto_create_topics&)
    = default;
};

/// What crosses to another node is in actors/controller_codec.
using admin_question = std::variant<kafka::create_topics_request,
  kafka::delete_topics_request, kafka::create_partitions_request,
  kafka::alter_configs_request, kafka::incremental_alter_configs_request,
  kafka::init_producer_id_request, auto_create_topics, register_broker,
  broker_heartbeat, change_isr, allocate_producer_ids,
  kafka::elect_leaders_request, kafka::alter_partition_reassignments_request,
  kafka::unregister_broker_request, kafka::describe_quorum_request,
  kafka::add_raft_voter_request, kafka::remove_raft_voter_request,
  kafka::alter_client_quotas_request>;

struct admin_ask {
  uint64_t ticket = 0;
  int16_t version = 0;
  admin_question question;
  /// Whose request it is; nobody's if the node asks for itself.
  std::optional<quota_client> client = {};
};

using admin_reply = std::variant<kafka_error, kafka::create_topics_response,
  kafka::delete_topics_response, kafka::create_partitions_response,
  kafka::alter_configs_response, kafka::incremental_alter_configs_response,
  kafka::init_producer_id_response, register_broker_reply,
  broker_heartbeat_reply, change_isr_reply, allocate_producer_ids_reply,
  kafka::elect_leaders_response, kafka::alter_partition_reassignments_response,
  kafka::unregister_broker_response, kafka::describe_quorum_response,
  kafka::add_raft_voter_response, kafka::remove_raft_voter_response,
  kafka::alter_client_quotas_response>;

/// A broker to its controller: what the partitions that are led here carry.
struct load_measured {
  node_load load;
};

/// True once the asker's image has applied `index`.
struct admin_answer {
  uint64_t ticket = 0;
  uint64_t index = 0;
  admin_reply reply;
};

struct committed_command {
  /// 0: one of several which together lead from one image to a later one
  /// (metadata_image::apply_part()).
  uint64_t index = 0;
  uint64_t term = 0;
  metadata_command command;
};

/// Committed commands in order, for everyone who holds an image, and how far
/// the log is applied with them.
struct metadata_update {
  std::shared_ptr<const std::vector<committed_command>> commands;
  uint64_t index = 0;
  uint64_t term = 0;
};

/// Applies one command to an image; false if the image had it already.
bool apply_to(metadata_image& image, const committed_command& command);
/// Ends an update: nothing is missing up to its index.
void pass_to(metadata_image& image, const metadata_update& update);

/// From here on, send every metadata_update; first a metadata_snapshot.
struct subscribe_metadata {};

/// This node is about to stop: what it leads is to be moved first. Answered
/// by left_cluster, also when nobody can take it over.
struct leave_cluster {};
struct left_cluster {};

/// The controller to itself: time passes.
struct controller_tick {};

/// The controller to itself: what changed goes into the image store.
struct save_image {};

/// The whole image, for a new subscriber.
struct metadata_snapshot {
  std::shared_ptr<const metadata_image> image;
};

// -- broker -> gateways ------------------------------------------------------

/// A gateway to its broker: the directory now, and every change of it.
struct subscribe_directory {};

/// Where a partition of this node answers; null where it is gone.
struct partition_place {
  topic_partition name;
  caf::strong_actor_ptr partition;
};

/// Where the groups of a partition of __consumer_offsets are kept, or the
/// transactional ids of one of __transaction_state; null where it is gone.
struct coordinator_place {
  topic_partition name;
  caf::strong_actor_ptr coordinator;
};

/// What changed, together with the commands that made it change: a gateway
/// knows of a topic no earlier than where its partitions are.
struct directory_update {
  std::shared_ptr<const metadata_image> image; ///< set in the first one
  metadata_update metadata;
  std::vector<partition_place> partitions;
  std::vector<coordinator_place> coordinators;
};

struct broker_tick {};
struct stop_broker {};
struct broker_stopped {
  bool clean = true;
};

struct group_timer {
  uint64_t generation = 0;
};

/// A coordinator to itself: go on reading its log.
struct replay_more {};

/// Tell the metrics page how the groups are.
struct report_groups {};

struct topics_gone {
  std::vector<std::string> names;
};

/// The topics that there are, for groups whose coordinator assigns.
struct topics_known {
  std::shared_ptr<const topic_view> topics;
};

/// What single groups are configured to, all of them.
struct groups_configured {
  group_overrides overrides;
};

// -- groups ------------------------------------------------------------------

using group_question
  = std::variant<kafka::join_group_request, kafka::sync_group_request,
    kafka::heartbeat_request, kafka::leave_group_request,
    kafka::offset_commit_request, kafka::offset_fetch_request,
    kafka::offset_delete_request, kafka::describe_groups_request,
    kafka::list_groups_request, kafka::delete_groups_request,
    kafka::txn_offset_commit_request, kafka::consumer_group_heartbeat_request,
    kafka::consumer_group_describe_request, kafka::explain_group_request,
    kafka::share_group_heartbeat_request, kafka::share_group_describe_request,
    kafka::describe_share_group_offsets_request,
    kafka::alter_share_group_offsets_request,
    kafka::delete_share_group_offsets_request>;

struct group_ask {
  uint64_t ticket = 0;
  int16_t version = 0;
  std::string client_id;
  std::string client_host;
  group_question question;
};

struct group_answer {
  uint64_t ticket = 0;
  group_reply reply;
};

} // namespace millrace

#define MILLRACE_LOCAL_MESSAGE(type)                                           \
  CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::type)
MILLRACE_LOCAL_MESSAGE(produce_many)
MILLRACE_LOCAL_MESSAGE(produce_results)
MILLRACE_LOCAL_MESSAGE(fetch_asks)
MILLRACE_LOCAL_MESSAGE(fetch_answers)
MILLRACE_LOCAL_MESSAGE(data_ready)
MILLRACE_LOCAL_MESSAGE(log_ask)
MILLRACE_LOCAL_MESSAGE(log_answer)
MILLRACE_LOCAL_MESSAGE(gather_now)
MILLRACE_LOCAL_MESSAGE(lazy_sync)
MILLRACE_LOCAL_MESSAGE(produce_deadline)
MILLRACE_LOCAL_MESSAGE(sync_ask)
MILLRACE_LOCAL_MESSAGE(sync_done)
MILLRACE_LOCAL_MESSAGE(sync_run)
MILLRACE_LOCAL_MESSAGE(sync_ran)
MILLRACE_LOCAL_MESSAGE(remove_paths)
MILLRACE_LOCAL_MESSAGE(warm_ask)
MILLRACE_LOCAL_MESSAGE(warm_done)
MILLRACE_LOCAL_MESSAGE(save_log_start)
MILLRACE_LOCAL_MESSAGE(log_start_saved)
MILLRACE_LOCAL_MESSAGE(partition_tick)
MILLRACE_LOCAL_MESSAGE(partition_assigned)
MILLRACE_LOCAL_MESSAGE(from_replica)
MILLRACE_LOCAL_MESSAGE(replica_timer)
MILLRACE_LOCAL_MESSAGE(throttle_rates)
MILLRACE_LOCAL_MESSAGE(throttle_ask)
MILLRACE_LOCAL_MESSAGE(throttle_turn)
MILLRACE_LOCAL_MESSAGE(throttle_refund)
MILLRACE_LOCAL_MESSAGE(throttle_timer)
MILLRACE_LOCAL_MESSAGE(save_hints)
MILLRACE_LOCAL_MESSAGE(hints_saved)
MILLRACE_LOCAL_MESSAGE(replica_place)
MILLRACE_LOCAL_MESSAGE(close_partition)
MILLRACE_LOCAL_MESSAGE(partition_closed)
MILLRACE_LOCAL_MESSAGE(partition_state_report)
MILLRACE_LOCAL_MESSAGE(admin_ask)
MILLRACE_LOCAL_MESSAGE(admin_answer)
MILLRACE_LOCAL_MESSAGE(load_measured)
MILLRACE_LOCAL_MESSAGE(metadata_update)
MILLRACE_LOCAL_MESSAGE(metadata_snapshot)
MILLRACE_LOCAL_MESSAGE(subscribe_metadata)
MILLRACE_LOCAL_MESSAGE(leave_cluster)
MILLRACE_LOCAL_MESSAGE(left_cluster)
MILLRACE_LOCAL_MESSAGE(controller_tick)
MILLRACE_LOCAL_MESSAGE(save_image)
MILLRACE_LOCAL_MESSAGE(subscribe_directory)
MILLRACE_LOCAL_MESSAGE(directory_update)
MILLRACE_LOCAL_MESSAGE(broker_tick)
MILLRACE_LOCAL_MESSAGE(register_again)
MILLRACE_LOCAL_MESSAGE(stop_broker)
MILLRACE_LOCAL_MESSAGE(broker_stopped)
MILLRACE_LOCAL_MESSAGE(group_timer)
MILLRACE_LOCAL_MESSAGE(replay_more)
MILLRACE_LOCAL_MESSAGE(report_groups)
MILLRACE_LOCAL_MESSAGE(topics_gone)
MILLRACE_LOCAL_MESSAGE(topics_known)
MILLRACE_LOCAL_MESSAGE(groups_configured)
MILLRACE_LOCAL_MESSAGE(group_ask)
MILLRACE_LOCAL_MESSAGE(group_answer)
