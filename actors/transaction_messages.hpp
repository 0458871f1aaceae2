#pragma once

// The messages about transactions between the actors of one node. As in
// messages.hpp, a `ticket` means nothing to anyone but who asks.

#include "cluster/marker_queue.hpp"
#include "cluster/transaction_effects.hpp"
#include "schema/transaction_message.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace millrace {

// -- gateway -> coordinator ---------------------------------------------------

using transaction_question = std::variant<kafka::init_producer_id_request,
  kafka::add_partitions_to_txn_request, kafka::add_offsets_to_txn_request,
  kafka::end_txn_request, kafka::describe_transactions_request,
  kafka::list_transactions_request>;

/// Answered by transaction_result.
struct transaction_ask {
  uint64_t ticket = 0;
  int16_t version = 0;
  /// How many partitions __consumer_offsets has, for AddOffsetsToTxn.
  int32_t offsets_partitions = 0;
  transaction_question question;
};

struct transaction_result {
  uint64_t ticket = 0;
  transaction_answer reply;
};

// -- coordinator -> transaction front -----------------------------------------

/// Markers to be written by whoever leads their partitions. Answered by
/// markers_written, perhaps in parts; those of a coordinator that has ended
/// are forgotten.
struct markers_wanted {
  int32_t coordinator = 0; ///< its partition of __transaction_state
  int32_t coordinator_epoch = -1;
  std::vector<transaction_markers> markers;
};

struct markers_written {
  std::vector<marker_queue::written> markers;
};

// -- partition and group coordinator -> transaction front ---------------------

/// A question about one partition to whoever coordinates the transaction.
/// Always answered by transaction_checked: at the latest when nobody could.
struct check_transaction {
  uint64_t ticket = 0;
  transaction_check check;
};

struct transaction_checked {
  uint64_t ticket = 0;
  kafka_error error = kafka_error::none;
};

/// A coordinator or the front to itself: something may be due.
struct transaction_timer {
  uint64_t generation = 0;
};

} // namespace millrace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::transaction_ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::transaction_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::markers_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::markers_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::check_transaction)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::transaction_checked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::transaction_timer)
