#pragma once

// The controller as a replayable state machine on the metadata log: every
// decide() is const and says what to append and what to answer; apply() is
// the only change of state.
//
// Decisions build on each other before the first one is durable: whoever
// runs this applies each command when it is appended, and parks the answer
// until it is committed. A failed append leaves this state ahead of the log:
// throw it away and build it again from image and log (R20).

#include "cluster/config_node.hpp"
#include "cluster/decision.hpp"
#include "cluster/metadata_image.hpp"
#include "cluster/node_load.hpp"
#include "cluster/partition_settling.hpp"
#include "cluster/refusal.hpp"
#include "cluster/token_bucket.hpp"
#include "schema/kafka/alter_client_quotas.hpp"
#include "schema/kafka/alter_configs.hpp"
#include "schema/kafka/alter_partition_reassignments.hpp"
#include "schema/kafka/create_partitions.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/delete_topics.hpp"
#include "schema/kafka/elect_leaders.hpp"
#include "schema/kafka/incremental_alter_configs.hpp"
#include "schema/kafka/unregister_broker.hpp"
#include "schema/kafka_error.hpp"
#include "schema/metadata_command.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

template <class Reply>
using metadata_decision = decision<Reply, metadata_command>;

/// A replica lacks offsets that it once had on disk (R10).
struct replica_loss {
  uuid topic;
  int32_t partition = 0;
  offset first;
  offset end;

  friend bool operator==(const replica_loss&, const replica_loss&) = default;
};

/// Recovery had to cut a replica's log, which ends here since (R10).
struct replica_cut {
  uuid topic;
  int32_t partition = 0;
  leader_epoch last_epoch{-1}; ///< of the last batch; -1: there is none
  offset end;

  friend bool operator==(const replica_cut&, const replica_cut&) = default;
};

/// A broker has started and asks to be let in.
struct register_broker {
  node_id id;
  uuid incarnation;
  std::vector<uuid> directories;
  std::vector<broker_endpoint> endpoints;
  std::optional<std::string> rack;
  /// Of the cluster that its directory belongs to; empty: none yet.
  std::string cluster_id;
  std::vector<replica_loss> lost;
  /// It did not end cleanly: what no sync has covered may be gone.
  bool unclean = false;
  std::vector<replica_cut> cut_short;
  /// Incarnations that the directory has seen; empty: it does not keep them.
  std::vector<uuid> known_starts;
  /// Every log is open of which the metadata up to this entry tells; 0: up to
  /// which entry is the question; -1: nothing is said of that.
  int64_t opened_up_to = -1;

  friend bool operator==(const register_broker&, const register_broker&)
    = default;
};
struct register_broker_reply {
  kafka_error error = kafka_error::none;
  std::string message;
  int64_t broker_epoch = -1;
  /// To ask again when the logs are open of which the metadata up to this entry
  /// tells; -1: the answer is another one.
  int64_t open_up_to = -1;

  friend bool operator==(
    const register_broker_reply&, const register_broker_reply&)
    = default;
};

/// A broker lives, and how far it has followed the metadata log.
struct broker_heartbeat {
  node_id id;
  int64_t broker_epoch = -1;
  int64_t applied_index = -1;
  /// It is about to end: what it leads is to be moved away first.
  bool want_shutdown = false;
  /// What it carries; now and then.
  std::optional<node_load> load = {};

  friend bool operator==(const broker_heartbeat&, const broker_heartbeat&)
    = default;
};
struct broker_heartbeat_reply {
  kafka_error error = kafka_error::none;
  bool fenced = true;
  /// It has applied what made its standing what it is (R25).
  bool caught_up = false;
  /// It leads nothing any more and may end.
  bool should_shutdown = false;

  friend bool operator==(
    const broker_heartbeat_reply&, const broker_heartbeat_reply&)
    = default;
};

/// A leader asks for a new ISR. Without itself: its log is damaged, and one of
/// the others is to lead.
struct change_isr {
  node_id leader;
  int64_t broker_epoch = -1;
  uuid topic;
  int32_t partition = 0;
  millrace::leader_epoch epoch{0};
  int32_t partition_epoch = 0;
  struct member {
    node_id id;
    int64_t broker_epoch = -1; ///< -1: not known to the leader

    friend bool operator==(const member&, const member&) = default;
  };
  std::vector<member> isr;

  friend bool operator==(const change_isr&, const change_isr&) = default;
};
struct change_isr_reply {
  kafka_error error = kafka_error::none;
  partition_registration partition; ///< as it is now, where it is known

  friend bool operator==(const change_isr_reply&, const change_isr_reply&)
    = default;
};

struct allocate_producer_ids {
  node_id broker;
  int64_t broker_epoch = -1;

  friend bool operator==(
    const allocate_producer_ids&, const allocate_producer_ids&)
    = default;
};
struct allocate_producer_ids_reply {
  kafka_error error = kafka_error::none;
  producer_id first{0};
  int32_t count = 0;

  friend bool operator==(
    const allocate_producer_ids_reply&, const allocate_producer_ids_reply&)
    = default;
};
inline constexpr int32_t producer_id_block_size = 1000;

/// What became of a topic that was wanted without having been asked for.
struct auto_created_topic {
  std::string name;
  /// none also where it exists already.
  kafka_error error = kafka_error::none;
  std::string message;
};

class controller_state {
public:
  /// @param new_uuid gives random ids; called by decide().
  /// @param heard whether a broker has been heard of since this leadership
  /// began (cluster/broker_sessions.hpp); without it, all have
  controller_state(node_config node, metadata_image image,
    std::function<uuid()> new_uuid, std::function<bool(node_id)> heard = {});

  /// Everything appended, committed or not.
  [[nodiscard]] const metadata_image& image() const {
    return image_;
  }

  void apply(const metadata_command& command, int64_t index, int64_t term);
  /// The log has gone on to `index` with entries that are no commands.
  void pass(int64_t index, int64_t term) {
    image_.pass(index, term);
  }

  /// What an empty log starts with; nothing if the cluster exists.
  [[nodiscard]] std::vector<metadata_command> decide_bootstrap() const;

  /// What makes or deletes partitions is held to `quota`, if there is one: a
  /// topic beyond it is refused with THROTTLING_QUOTA_EXCEEDED (KIP-599).
  [[nodiscard]] metadata_decision<kafka::create_topics_response> decide(
    const kafka::create_topics_request& request,
    mutation_quota quota = {}) const;
  [[nodiscard]] metadata_decision<kafka::delete_topics_response> decide(
    const kafka::delete_topics_request& request,
    mutation_quota quota = {}) const;
  [[nodiscard]] metadata_decision<kafka::create_partitions_response> decide(
    const kafka::create_partitions_request& request,
    mutation_quota quota = {}) const;
  [[nodiscard]] metadata_decision<kafka::alter_configs_response> decide(
    const kafka::alter_configs_request& request) const;
  [[nodiscard]] metadata_decision<kafka::incremental_alter_configs_response>
  decide(const kafka::incremental_alter_configs_request& request) const;
  [[nodiscard]] metadata_decision<kafka::alter_client_quotas_response> decide(
    const kafka::alter_client_quotas_request& request) const;

  /// Topics that a client names in Metadata, or that a coordinator needs
  /// (`__consumer_offsets` gets its own partitions and configurations).
  [[nodiscard]] metadata_decision<std::vector<auto_created_topic>>
  decide_auto_creation(std::span<const std::string> names) const;

  [[nodiscard]] metadata_decision<register_broker_reply> decide(
    const register_broker& request) const;
  [[nodiscard]] metadata_decision<broker_heartbeat_reply> decide(
    const broker_heartbeat& request) const;
  /// Shuts brokers out, moving what they led to other members of the ISR. All
  /// that are found to be gone at one time go in here at once: none of them is
  /// to be given what another one leaves.
  [[nodiscard]] std::vector<metadata_command> decide_fence(
    const std::set<node_id>& ids) const;
  [[nodiscard]] std::vector<metadata_command> decide_fence(node_id id) const;
  /// What this broker leads need not wait for members of the ISR that are shut
  /// out. Call it when a broker has been heard of for the first time.
  [[nodiscard]] std::vector<metadata_command> decide_heard(node_id id) const;
  /// What a controller before this one has left half done. Call it when a
  /// leadership begins.
  [[nodiscard]] std::vector<metadata_command> decide_rest() const;
  /// Takes a broker off the list; one that lives is shut out first, and
  /// registers again.
  [[nodiscard]] metadata_decision<kafka::unregister_broker_response> decide(
    const kafka::unregister_broker_request& request) const;
  [[nodiscard]] metadata_decision<kafka::elect_leaders_response> decide(
    const kafka::elect_leaders_request& request) const;
  [[nodiscard]] metadata_decision<kafka::alter_partition_reassignments_response>
  decide(const kafka::alter_partition_reassignments_request& request) const;
  [[nodiscard]] metadata_decision<change_isr_reply> decide(
    const change_isr& request) const;
  [[nodiscard]] metadata_decision<allocate_producer_ids_reply> decide(
    const allocate_producer_ids& request) const;

private:
  [[nodiscard]] broker_standings standings() const;
  /// Settles every partition that `concerns`; fences nobody.
  [[nodiscard]] std::vector<metadata_command> settle(
    const broker_standings& brokers,
    const std::function<bool(const partition_registration&)>& concerns,
    bool may_be_unclean = true) const;
  /// What follows from changes of configurations, which are not applied yet.
  [[nodiscard]] std::vector<metadata_command> follow_configs(
    const std::vector<metadata_command>& changes) const;
  [[nodiscard]] std::vector<metadata_command> restart(
    const register_broker& request) const;
  [[nodiscard]] metadata_decision<broker_heartbeat_reply> decide_shutdown(
    const broker_registration& broker) const;
  /// An election that was asked for: its command, or why there is none.
  [[nodiscard]] refusal elect(const topic_image& topic,
    const partition_registration& partition, int8_t type,
    std::vector<metadata_command>& commands) const;
  /// If the new replicas are in sync, the old ones go.
  void complete_reassignment(partition_registration& partition) const;
  /// A directory for each replica of `partition`, made out of `before`.
  void align_directories(const partition_registration& before,
    partition_registration& partition) const;
  /// numbered(), with another leader if it has left the ISR.
  [[nodiscard]] std::optional<partition_registration> with_leader(
    const partition_registration& before, partition_registration next,
    const replication_rules& rules) const;
  [[nodiscard]] uuid fresh_uuid() const;

  node_config node_;
  metadata_image image_;
  std::function<uuid()> new_uuid_;
  std::function<bool(node_id)> heard_;
};

} // namespace millrace
