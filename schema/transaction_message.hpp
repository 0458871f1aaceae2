#pragma once

// What the nodes of a cluster say to one another about transactions:
// conversation 6, schema/transaction.capnp.

#include "schema/envelope.hpp"
#include "schema/kafka_error.hpp"
#include "schema/result.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace millrace {

/// To the coordinator of `transactional_id`, by a node that has got a batch of
/// this producer's: does its transaction have these partitions (KIP-890)?
struct transaction_check {
  std::string transactional_id;
  producer_id id{-1};
  int16_t epoch = -1;
  /// From now on it does, as its client leaves the adding to servers
  /// (transaction version 2).
  bool adds = false;
  std::vector<topic_partition> partitions;

  /// Whether a marker of this producer, in that epoch, ends the transaction
  /// that is asked about. With version 2 it has a higher one; the same is that
  /// of the transaction before, whose markers are just being written.
  [[nodiscard]] bool is_ended_by(int16_t marker_epoch) const {
    return adds ? marker_epoch > epoch : marker_epoch >= epoch;
  }

  bool operator==(const transaction_check&) const = default;
};

/// The end of a transaction, for the leader of one of its partitions.
struct marker_write {
  producer_id id{-1};
  int16_t epoch = -1;
  bool commit = false;
  int8_t transaction_version = 0;
  int32_t coordinator_epoch = -1;
  topic_partition partition;
  /// Written in this leadership of the partition, or not at all: what is late
  /// must not end the transaction after it.
  leader_epoch leadership{-1};

  bool operator==(const marker_write&) const = default;
};

/// Done once, and in the order of the requests' ids: what comes late is no
/// longer wanted.
struct marker_order {
  int64_t broker_epoch = -1; ///< of the node that sends it
  std::vector<marker_write> writes;

  bool operator==(const marker_order&) const = default;
};

/// What became of each of the partitions, or of the writes.
struct transaction_errors {
  std::vector<kafka_error> errors;

  bool operator==(const transaction_errors&) const = default;
};

using transaction_message
  = std::variant<transaction_check, marker_order, transaction_errors>;

[[nodiscard]] envelope encode(
  const transaction_message& message, uint64_t request_id);
/// Errors: corrupt, unsupported.
[[nodiscard]] result<transaction_message> decode_transaction_message(
  const envelope& from);

} // namespace millrace
