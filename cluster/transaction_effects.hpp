#pragma once

// What goes in and out of a transaction_registry beside the requests.

#include "cluster/transaction_records.hpp"
#include "cluster/transaction_state.hpp"
#include "schema/kafka/add_offsets_to_txn.hpp"
#include "schema/kafka/add_partitions_to_txn.hpp"
#include "schema/kafka/describe_transactions.hpp"
#include "schema/kafka/end_txn.hpp"
#include "schema/kafka/init_producer_id.hpp"
#include "schema/kafka/list_transactions.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace millrace {

/// Who asks, in which version, and when.
struct transaction_context {
  uint64_t token = 0; ///< the caller's; every one is answered exactly once
  int16_t version = 0;
  int64_t now_ms = 0;  ///< monotonic: for time-outs
  int64_t wall_ms = 0; ///< since the epoch: for what is written down
};

using transaction_answer = std::variant<kafka::init_producer_id_response,
  kafka::add_partitions_to_txn_response, kafka::add_offsets_to_txn_response,
  kafka::end_txn_response, kafka::describe_transactions_response,
  kafka::list_transactions_response>;

/// What the caller must do after a call, in this order.
struct transaction_effects {
  /// To append with acks=all, in order and as one. When there are any, call
  /// transaction_registry::on_appended(append_id, ...) once that has ended.
  std::vector<transaction_log_entry> records;
  uint64_t append_id = 0;
  /// Answers by token, to send now.
  std::vector<std::pair<uint64_t, transaction_answer>> replies;
  /// To write into their partitions, again and again until each is there or
  /// the partition is gone, with this registry's coordinator_epoch(); then
  /// call transaction_registry::on_markers_written().
  std::vector<transaction_markers> markers;
  /// Ids of which a record has come into the log, or will not: who waits for
  /// one of them may ask again.
  std::vector<std::string> moved;
};

} // namespace millrace
