#pragma once

// The book of who may say what to whom: every actor type of a node, with a
// sentence for each message that it understands. Answers are messages of
// their own (see messages.hpp); they go to whoever sent the question.

#include "actors/compaction_messages.hpp"
#include "actors/consensus_messages.hpp"
#include "actors/custom_messages.hpp"
#include "actors/image_keeper.hpp"
#include "actors/log_dirs_messages.hpp"
#include "actors/messages.hpp"
#include "actors/node_link.hpp"
#include "actors/share_messages.hpp"
#include "actors/share_state_messages.hpp"
#include "actors/transaction_messages.hpp"

#include <caf/all.hpp>

namespace millrace {

/// DISK: does what may block, on a thread of its own. A data directory has
/// several.
using disk_actor = caf::typed_actor<
  // Makes the bytes of logs durable; answers sync_ran.
  caf::reacts_to<sync_run>,
  // Reads cold ranges into memory; answers warm_done.
  caf::reacts_to<warm_ask>,
  // Unlinks files and directories.
  caf::reacts_to<remove_paths>>;

/// SYNC PLANNER: decides which logs are synced together, and by whom.
using sync_planner_actor = caf::typed_actor<
  // Makes a log's bytes durable; answers sync_done.
  caf::reacts_to<sync_ask>,
  // To itself, behind what waits in the mailbox.
  caf::reacts_to<gather_now>,
  // A disk actor's answer.
  caf::reacts_to<sync_ran>>;

/// PARTITION: one replica of one partition, which leads or follows.
using partition_actor = caf::typed_actor<
  // Appends batches; answers produce_results as their acks ask for.
  caf::reacts_to<produce_many>,
  // To itself, behind what waits in the mailbox: append all of it at once.
  caf::reacts_to<gather_now>,
  // To itself: answer those who have waited as long as they would.
  caf::reacts_to<produce_deadline>,
  // To itself: make durable what nobody has waited for.
  caf::reacts_to<lazy_sync>,
  // Gives slices of the log; answers fetch_answers, later data_ready.
  caf::reacts_to<fetch_asks>,
  // A disk actor's answer: the bytes of a fetch are in memory.
  caf::reacts_to<warm_done>,
  // Offsets by time, epoch ends, sizes ...; answers log_answer.
  caf::reacts_to<log_ask>,
  // The sync planner's answer: the high watermark moves.
  caf::reacts_to<sync_done>,
  // Who leads it, who is in sync, and its settings.
  caf::reacts_to<partition_assigned>,
  // What another replica says, and whether its node can be reached.
  caf::reacts_to<from_replica>, caf::reacts_to<link_change>,
  // To itself: somebody may have been silent for too long.
  caf::reacts_to<replica_timer>,
  // The throttle's answer: bytes may move.
  caf::reacts_to<throttle_turn>,
  // The controller's answer to a proposed ISR.
  caf::reacts_to<admin_answer>,
  // The broker's answers: the log may start later, or be cut.
  caf::reacts_to<log_start_saved>, caf::reacts_to<hints_saved>,
  // Housekeeping.
  caf::reacts_to<partition_tick>,
  // The transaction front's: whether a producer's transaction has it.
  caf::reacts_to<transaction_checked>,
  // A share group's member fetches, acknowledges or is gone; answers
  // share_answer, later data_ready.
  caf::reacts_to<share_ask>,
  // What the group's share coordinator has said.
  caf::reacts_to<share_state_result>,
  // To itself: a member may have held a record for too long.
  caf::reacts_to<share_timer>,
  // The compactor's: it is this log's turn, what it has made of it, and that
  // it is done.
  caf::reacts_to<compaction_turn>, caf::reacts_to<compaction_swap>,
  caf::reacts_to<compaction_over>,
  // The broker's: it is being copied, or not any more.
  caf::reacts_to<hold_compaction>,
  // Ends the actor after a last sync; answers partition_closed.
  caf::reacts_to<close_partition>>;

/// COMPACTOR: compacts logs, one after the other, on a thread of its own.
using compactor_actor = caf::typed_actor<
  // What it may take.
  caf::reacts_to<compactor_settings>,
  // A partition's log is worth it; answers compaction_turn, or nothing when
  // the partition has ended before.
  caf::reacts_to<compaction_offer>,
  // The partition's answer; later it hears compaction_swap, compaction_over.
  caf::reacts_to<compaction_work>,
  // To itself.
  caf::reacts_to<compaction_step>>;

/// LOG MOVER: copies logs into one log directory, one after the other, on a
/// thread of its own.
using log_mover_actor = caf::typed_actor<
  // How fast.
  caf::reacts_to<log_mover_settings>,
  // A log is to be copied; answers copy_progress, copy_caught_up.
  caf::reacts_to<copy_log>,
  // It is closed, or not wanted any more; answers copy_ended.
  caf::reacts_to<finish_copy>, caf::reacts_to<cancel_copy>,
  // The partition's answer: committed batches.
  caf::reacts_to<fetch_answers>,
  // To itself.
  caf::reacts_to<copy_step>>;

/// THROTTLE: lets the node's partitions copy what is throttled, one after the
/// other.
using throttle_actor = caf::typed_actor<
  // The broker's: how fast.
  caf::reacts_to<throttle_rates>,
  // A partition wants to move bytes; answers throttle_turn when it may.
  caf::reacts_to<throttle_ask>,
  // And has moved others than it said.
  caf::reacts_to<throttle_refund>,
  // To itself: a turn may have come.
  caf::reacts_to<throttle_timer>>;

/// REPLICA FRONT: where the messages of other nodes' replicas come in; gives
/// each to the partition that it is about.
using replica_front_actor = caf::typed_actor<
  // The link's: a message, and who can be reached.
  caf::reacts_to<from_node>, caf::reacts_to<link_change>,
  // The broker's: which partitions are here.
  caf::reacts_to<replica_place>>;

/// CONSENSUS DISK: log, term and vote of a member, on a thread of its own.
using consensus_disk_actor = caf::typed_actor<
  // Answers log_written when it is durable; several writes by one sync.
  caf::reacts_to<write_log>,
  // To itself, behind what waits in the mailbox.
  caf::reacts_to<sync_log>,
  // Answers vote_stored when it is durable.
  caf::reacts_to<store_vote>,
  // Entries that are in memory no more; answers log_read.
  caf::reacts_to<read_log>,
  // A snapshot stands for the log's beginning; answers log_dropped.
  caf::reacts_to<drop_log>>;

/// CONSENSUS: one member of a Raft group.
using consensus_actor = caf::typed_actor<
  // The sender is the state machine.
  caf::reacts_to<follow_log>,
  // Appends commands if this member leads; answers placed.
  caf::reacts_to<propose>,
  // Other members, and what is so of the way to them.
  caf::reacts_to<from_node>, caf::reacts_to<link_change>,
  // To itself: time passes.
  caf::reacts_to<consensus_tick>,
  // The disk's answers.
  caf::reacts_to<log_written>, caf::reacts_to<vote_stored>,
  caf::reacts_to<log_read>, caf::reacts_to<log_dropped>,
  // The state machine's snapshots.
  caf::reacts_to<snapshot_made>, caf::reacts_to<state_told>,
  caf::reacts_to<state_installed>,
  // How the group is; answers quorum_view.
  caf::reacts_to<ask_quorum>,
  // Who takes part, and how, and that another one is to lead; answers
  // member_changed.
  caf::reacts_to<change_member>, caf::reacts_to<hand_over>>;

/// CONTROLLER: decides what changes in the metadata, one request at a time.
using controller_actor = caf::typed_actor<
  // Answers admin_answer when the change is committed, or at once.
  caf::reacts_to<admin_ask>,
  // The consensus actor: where a proposal stands, what is committed, who
  // leads, and what it wants to know of the state.
  caf::reacts_to<placed>, caf::reacts_to<log_committed>,
  caf::reacts_to<role_changed>, caf::reacts_to<snapshot_wanted>,
  caf::reacts_to<state_wanted>, caf::reacts_to<install_state>,
  // Its answers about the group.
  caf::reacts_to<quorum_view>, caf::reacts_to<member_changed>,
  // Other nodes' controllers, and what is so of the way to them.
  caf::reacts_to<from_node>, caf::reacts_to<link_change>,
  // The broker's: what this node carries.
  caf::reacts_to<load_measured>,
  // The node stops; answers left_cluster when it leads nothing any more.
  caf::reacts_to<leave_cluster>,
  // To itself: somebody has not been heard of for too long.
  caf::reacts_to<controller_tick>,
  // The sender wants every update from here on; answers metadata_snapshot.
  caf::reacts_to<subscribe_metadata>,
  // To itself: write the image down; and the keeper's answer.
  caf::reacts_to<save_image>, caf::reacts_to<image_committed>>;

/// BROKER: runs the partitions and coordinators that the metadata gives to
/// this node, and tells the gateways where they are.
using broker_actor = caf::typed_actor<
  // The metadata as the controller has committed it.
  caf::reacts_to<metadata_snapshot>, caf::reacts_to<metadata_update>,
  // The controller's answer to the registration.
  caf::reacts_to<admin_answer>,
  // A gateway wants the directory and every change of it.
  caf::reacts_to<subscribe_directory>,
  // What partitions report and ask.
  caf::reacts_to<save_log_start>, caf::reacts_to<save_hints>,
  caf::reacts_to<partition_closed>, caf::reacts_to<partition_state_report>,
  // A gateway's: about the log directories; answers log_dirs_answer.
  caf::reacts_to<log_dirs_ask>,
  // What a log mover tells.
  caf::reacts_to<copy_progress>, caf::reacts_to<copy_caught_up>,
  caf::reacts_to<copy_ended>,
  // To itself: housekeeping; and that it is not registered yet.
  caf::reacts_to<broker_tick>, caf::reacts_to<register_again>,
  // Ends all partitions cleanly; answers broker_stopped.
  caf::reacts_to<stop_broker>>;

/// GROUP COORDINATOR: owns the groups of one __consumer_offsets partition.
using group_coordinator_actor = caf::typed_actor<
  // Answers group_answer when what it decided is durable, or at once.
  caf::reacts_to<group_ask>,
  // The transaction front's: whether a producer's transaction has its log.
  caf::reacts_to<transaction_checked>,
  // Ends of transactions, each a batch: written into the log, then applied.
  // Answers produce_results like the partition; not at all if it ends before.
  caf::reacts_to<produce_many>,
  // The partition's answers: appended, and bytes to replay.
  caf::reacts_to<produce_results>, caf::reacts_to<log_answer>,
  // To itself: a session or rebalance may have timed out; and there may be
  // more to replay.
  caf::reacts_to<group_timer>, caf::reacts_to<replay_more>,
  // What the image holds of these groups, at the start; and that a change
  // of it is durable.
  caf::reacts_to<image_pairs>, caf::reacts_to<image_committed>,
  // Tell the metrics page how the groups are, and write the image down.
  caf::reacts_to<report_groups>,
  // Topics are gone: so are their offsets. And all that there are now.
  caf::reacts_to<topics_gone>, caf::reacts_to<topics_known>,
  // What single groups are configured to.
  caf::reacts_to<groups_configured>,
  // The share front's: what a share coordinator has said.
  caf::reacts_to<share_state_result>>;

/// SHARE COORDINATOR: owns the share partitions of one __share_group_state
/// partition.
using share_coordinator_actor = caf::typed_actor<
  // Answers share_state_result when what it decided is durable, or at once.
  caf::reacts_to<share_state_ask>,
  // The partition's answers: appended, and bytes to replay.
  caf::reacts_to<produce_results>, caf::reacts_to<log_answer>,
  // To itself: there may be more to replay.
  caf::reacts_to<replay_more>,
  // All topics that there are now: states of others are deleted.
  caf::reacts_to<topics_known>,
  // To itself: the log may be longer than it need be.
  caf::reacts_to<share_state_timer>>;

/// SHARE FRONT: a node's door to share coordinators.
using share_front_actor = caf::typed_actor<
  // A question about a share partition; answers share_state_result.
  caf::reacts_to<share_state_ask>,
  // Other nodes' fronts, and what is so of the way to them.
  caf::reacts_to<from_node>, caf::reacts_to<link_change>,
  // The broker's: where everything is.
  caf::reacts_to<directory_update>,
  // Answers of coordinators and partitions that are here, and the controller's.
  caf::reacts_to<share_state_result>, caf::reacts_to<log_answer>,
  caf::reacts_to<admin_answer>,
  // To itself: something may be due.
  caf::reacts_to<share_state_timer>>;

/// TRANSACTION COORDINATOR: owns the transactional ids of one
/// __transaction_state partition.
using transaction_coordinator_actor = caf::typed_actor<
  // Answers transaction_result when what it decided is durable, or at once.
  caf::reacts_to<transaction_ask>,
  // The partition's answers: appended, and bytes to replay.
  caf::reacts_to<produce_results>, caf::reacts_to<log_answer>,
  // The controller's: a producer id.
  caf::reacts_to<admin_answer>,
  // The front's: markers are where they belong.
  caf::reacts_to<markers_written>,
  // To itself: a transaction may have timed out; there may be more to replay.
  caf::reacts_to<transaction_timer>, caf::reacts_to<replay_more>>;

/// TRANSACTION FRONT: a node's door for transactions.
using transaction_front_actor = caf::typed_actor<
  // A partition's question, for a coordinator; answers transaction_checked.
  caf::reacts_to<check_transaction>,
  // A coordinator's markers, for partitions; answers markers_written.
  caf::reacts_to<markers_wanted>,
  // Other nodes' fronts, and what is so of the way to them.
  caf::reacts_to<from_node>, caf::reacts_to<link_change>,
  // The broker's: where everything is.
  caf::reacts_to<directory_update>,
  // Answers of partitions and coordinators that are here.
  caf::reacts_to<produce_results>, caf::reacts_to<transaction_result>,
  // To itself: something is to be sent again.
  caf::reacts_to<transaction_timer>>;

/// CUSTOM HOST: one instance of a user's own actor.
using custom_host_actor = caf::typed_actor<
  // The answers of the partition that is its state's log.
  caf::reacts_to<log_answer>, caf::reacts_to<produce_results>,
  // The front's: answers of leaders, letters of other actors, and which nodes
  // the cluster counts on.
  caf::reacts_to<front_answer>, caf::reacts_to<letter_in>,
  caf::reacts_to<nodes_up>,
  // To itself: a time has come.
  caf::reacts_to<host_timer>>;

} // namespace millrace
