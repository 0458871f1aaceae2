#pragma once

// What goes in and out of a group_registry beside the requests themselves.

#include "cluster/share_state_question.hpp"
#include "schema/kafka/alter_share_group_offsets.hpp"
#include "schema/kafka/consumer_group_describe.hpp"
#include "schema/kafka/consumer_group_heartbeat.hpp"
#include "schema/kafka/delete_groups.hpp"
#include "schema/kafka/delete_share_group_offsets.hpp"
#include "schema/kafka/describe_groups.hpp"
#include "schema/kafka/describe_share_group_offsets.hpp"
#include "schema/kafka/explain_group.hpp"
#include "schema/kafka/heartbeat.hpp"
#include "schema/kafka/join_group.hpp"
#include "schema/kafka/leave_group.hpp"
#include "schema/kafka/list_groups.hpp"
#include "schema/kafka/offset_commit.hpp"
#include "schema/kafka/offset_delete.hpp"
#include "schema/kafka/offset_fetch.hpp"
#include "schema/kafka/share_group_describe.hpp"
#include "schema/kafka/share_group_heartbeat.hpp"
#include "schema/kafka/sync_group.hpp"
#include "schema/kafka/txn_offset_commit.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace millrace {

/// Who asks, in which version, and when.
struct group_request_context {
  uint64_t token = 0; ///< the caller's; every one is answered exactly once
  int16_t version = 0;
  std::string client_id;
  std::string client_host;
  int64_t now_ms = 0;  ///< monotonic: for time-outs
  int64_t wall_ms = 0; ///< since the epoch: for what is written down
};

using group_reply
  = std::variant<kafka::join_group_response, kafka::sync_group_response,
    kafka::heartbeat_response, kafka::leave_group_response,
    kafka::offset_commit_response, kafka::offset_fetch_response,
    kafka::offset_delete_response, kafka::describe_groups_response,
    kafka::list_groups_response, kafka::delete_groups_response,
    kafka::txn_offset_commit_response, kafka::consumer_group_heartbeat_response,
    kafka::consumer_group_describe_response, kafka::explain_group_response,
    kafka::share_group_heartbeat_response, kafka::share_group_describe_response,
    kafka::describe_share_group_offsets_response,
    kafka::alter_share_group_offsets_response,
    kafka::delete_share_group_offsets_response>;

/// A question for a share coordinator; what it says goes to
/// group_registry::on_share_state(). Always answered: at the latest when nobody
/// could.
struct share_state_order {
  uint64_t id = 0;
  share_state_question question;
};

/// One record of __consumer_offsets, byte for byte Kafka's. No value is a
/// tombstone. Format: docs/formats/consumer-offsets.md.
struct offsets_record {
  std::string key;
  std::optional<std::string> value;

  bool operator==(const offsets_record&) const = default;
};

/// Where a record stands in the log, and whose transaction it is part of.
struct record_place {
  offset at{-1};
  producer_id producer{-1}; ///< -1: none's
};

/// In whose name a batch is written (KIP-98).
struct batch_producer {
  producer_id id{-1};
  int16_t epoch = -1;
};

/// What the caller must do after a call, in this order.
struct group_effects {
  /// To append with acks=all, in order and as one. When there are any, call
  /// group_registry::on_appended(append_id, ...) once the append has ended.
  std::vector<offsets_record> records;
  uint64_t append_id = 0;
  /// Set where they are part of this producer's transaction: then the batch is
  /// transactional, and has no sequence.
  std::optional<batch_producer> transaction;
  /// Answers by token, to send now.
  std::vector<std::pair<uint64_t, group_reply>> replies;
  std::vector<share_state_order> share_orders;
};

} // namespace millrace
