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
#include "schema/kafka/alter_configs.hpp"
#include "schema/kafka/create_partitions.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/delete_topics.hpp"
#include "schema/kafka/incremental_alter_configs.hpp"
#include "schema/kafka_error.hpp"
#include "schema/metadata_command.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace millrace {

template <class Reply>
using metadata_decision = decision<Reply, metadata_command>;

/// A broker has started and asks to be let in.
struct register_broker {
  node_id id;
  uuid incarnation;
  std::vector<uuid> directories;
  std::vector<broker_endpoint> endpoints;
  std::optional<std::string> rack;
};
struct register_broker_reply {
  kafka_error error = kafka_error::none;
  std::string message;
  int64_t broker_epoch = -1;
};

/// A leader asks for a new ISR.
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
  };
  std::vector<member> isr;
};
struct change_isr_reply {
  kafka_error error = kafka_error::none;
  partition_registration partition; ///< as it is now, where it is known
};

struct allocate_producer_ids {
  node_id broker;
  int64_t broker_epoch = -1;
};
struct allocate_producer_ids_reply {
  kafka_error error = kafka_error::none;
  producer_id first{0};
  int32_t count = 0;
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
  controller_state(
    node_config node, metadata_image image, std::function<uuid()> new_uuid);

  /// Everything appended, committed or not.
  [[nodiscard]] const metadata_image& image() const {
    return image_;
  }

  void apply(const metadata_command& command, int64_t index, int64_t term);

  /// What an empty log starts with; nothing if the cluster exists.
  [[nodiscard]] std::vector<metadata_command> decide_bootstrap() const;

  [[nodiscard]] metadata_decision<kafka::create_topics_response> decide(
    const kafka::create_topics_request& request) const;
  [[nodiscard]] metadata_decision<kafka::delete_topics_response> decide(
    const kafka::delete_topics_request& request) const;
  [[nodiscard]] metadata_decision<kafka::create_partitions_response> decide(
    const kafka::create_partitions_request& request) const;
  [[nodiscard]] metadata_decision<kafka::alter_configs_response> decide(
    const kafka::alter_configs_request& request) const;
  [[nodiscard]] metadata_decision<kafka::incremental_alter_configs_response>
  decide(const kafka::incremental_alter_configs_request& request) const;

  /// Topics that a client names in Metadata, or that a coordinator needs
  /// (`__consumer_offsets` gets its own partitions and configurations).
  [[nodiscard]] metadata_decision<std::vector<auto_created_topic>>
  decide_auto_creation(std::span<const std::string> names) const;

  [[nodiscard]] metadata_decision<register_broker_reply> decide(
    const register_broker& request) const;
  /// Shuts a broker out, moving what it led to other members of the ISR.
  [[nodiscard]] std::vector<metadata_command> decide_fence(node_id id) const;
  [[nodiscard]] metadata_decision<change_isr_reply> decide(
    const change_isr& request) const;
  [[nodiscard]] metadata_decision<allocate_producer_ids_reply> decide(
    const allocate_producer_ids& request) const;

private:
  [[nodiscard]] std::vector<metadata_command> elect_with(
    node_id id, bool kept_data) const;
  [[nodiscard]] bool elects_uncleanly(const topic_image& topic) const;
  [[nodiscard]] uuid fresh_uuid() const;

  node_config node_;
  metadata_image image_;
  std::function<uuid()> new_uuid_;
};

} // namespace millrace
