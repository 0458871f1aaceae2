#pragma once

// One transactional id as a replayable state machine (KIP-98, 360, 588, 890):
// which producer may use it, in which epoch, and where its transaction is.

#include "cluster/decision.hpp"
#include "schema/kafka_error.hpp"
#include "schema/types.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace millrace {

/// Where a transactional id is; the numbers are those of its records.
///
/// empty (a producer has it) -> ongoing (partitions were added) ->
/// prepare_commit or prepare_abort (decided for good; markers are being
/// written) -> complete_commit or complete_abort -> ongoing or empty. An id
/// that is gone is not in the registry: Kafka calls it Dead. Kafka's
/// PrepareEpochFence lasts for no record; here it is one step, from ongoing
/// to prepare_abort in a higher epoch.
enum class transaction_phase : int8_t {
  empty = 0,
  ongoing = 1,
  prepare_commit = 2,
  prepare_abort = 3,
  complete_commit = 4,
  complete_abort = 5,
  dead = 6,
  prepare_epoch_fence = 7,
};

/// As Kafka writes it: `PrepareCommit`.
[[nodiscard]] const char* to_string(transaction_phase phase);
[[nodiscard]] std::optional<transaction_phase> parse_transaction_phase(
  std::string_view name);
/// Whether a record may follow another one of the same id.
[[nodiscard]] bool may_follow(transaction_phase before, transaction_phase next);

/// What clients do about a transaction's end (KIP-890): 0 and 1 keep their
/// epoch, from 2 on each transaction has an epoch of its own.
inline constexpr int16_t transaction_version_epoch_bump = 2;

/// No client is ever given this epoch: only fencing leads there.
inline constexpr int16_t producer_epoch_last = 32'767;
/// From here on the producer gets another id instead of another epoch.
[[nodiscard]] constexpr bool is_exhausted(int16_t epoch) {
  return epoch >= producer_epoch_last - 1;
}

/// All that a record says of its id; a later one replaces it.
struct transaction_value {
  producer_id id{-1};
  int16_t epoch = -1;
  /// What the client had before id or epoch rose in answer to a request that
  /// it may repeat (KIP-360, KIP-890). Forgotten when a transaction begins.
  producer_id previous_id{-1};
  int16_t last_epoch = -1;
  /// The id that follows once the markers are written; epochs ran out.
  producer_id next_id{-1};
  int32_t timeout_ms = 0;
  transaction_phase phase = transaction_phase::empty;
  std::set<topic_partition> partitions;
  int64_t updated_ms = -1; ///< wall clock, as the next one
  int64_t started_ms = -1; ///< of the transaction; -1 before the first one
  int16_t client_version = 0;

  bool operator==(const transaction_value&) const = default;
};

/// No value is a tombstone: the id is gone.
struct transaction_record {
  std::string transactional_id;
  std::optional<transaction_value> value;

  bool operator==(const transaction_record&) const = default;
};

/// Wants a producer id (InitProducerId). With `id` and `epoch` it goes on
/// after an error and is refused where another producer has come (KIP-360).
struct transaction_init {
  int32_t timeout_ms = 0;
  producer_id id{-1};
  int16_t epoch = -1;
  /// A producer id that nobody has; used if wants_new_id() says so.
  std::optional<producer_id> new_id;
};

/// Adds partitions (AddPartitionsToTxn, AddOffsetsToTxn), also in the name of
/// a producer whose batch has come to their leader (KIP-890).
struct transaction_add {
  producer_id id{-1};
  int16_t epoch = -1;
  std::set<topic_partition> partitions;
  int16_t client_version = 0;
};

/// Commits or aborts (EndTxn).
struct transaction_end {
  producer_id id{-1};
  int16_t epoch = -1;
  bool commit = false;
  int16_t client_version = 0;
  std::optional<producer_id> new_id; ///< as above
};

/// With which producer id and epoch the client goes on.
struct transaction_reply {
  kafka_error error = kafka_error::none;
  producer_id id{-1};
  int16_t epoch = -1;

  bool operator==(const transaction_reply&) const = default;
};

using transaction_decision = decision<transaction_reply, transaction_record>;

/// The end of a transaction, to be written into each of its partitions.
struct transaction_markers {
  std::string transactional_id;
  producer_id id{-1};
  int16_t epoch = -1;
  bool commit = false;
  int16_t client_version = 0;
  std::set<topic_partition> partitions;

  bool operator==(const transaction_markers&) const = default;
};

/// `decide` reads what is committed and changes nothing; `apply` is the only
/// change and serves fresh and replayed records alike. Between a decision
/// with records and its apply() or drop() the id is `pending`, and every
/// other request is told concurrent_transactions.
class transaction_state {
public:
  explicit transaction_state(std::string id) : id_(std::move(id)) {}

  [[nodiscard]] const std::string& id() const {
    return id_;
  }
  /// Nothing before the first record.
  [[nodiscard]] const std::optional<transaction_value>& value() const {
    return value_;
  }
  [[nodiscard]] bool pending() const {
    return pending_;
  }
  [[nodiscard]] bool in_phase(transaction_phase phase) const {
    return value_ && value_->phase == phase;
  }

  // transaction_init.cpp

  /// concurrent_transactions while a transaction ends, and when one was open:
  /// then that one is aborted first, in an epoch that fences its producer.
  /// producer_fenced where somebody else has come.
  [[nodiscard]] transaction_decision decide(
    const transaction_init& request, int64_t wall_ms) const;
  /// Whether a request would use up its `new_id`.
  [[nodiscard]] bool wants_new_id(const transaction_init& request) const;

  // transaction_add.cpp

  /// invalid_producer_id_mapping, producer_fenced, concurrent_transactions.
  [[nodiscard]] transaction_decision decide(
    const transaction_add& request, int64_t wall_ms) const;
  /// Whether the producer's transaction has the partition: none, or as above,
  /// or transaction_abortable (KIP-890).
  [[nodiscard]] kafka_error verify(
    producer_id id, int16_t epoch, const topic_partition& partition) const;

  // transaction_end.cpp

  /// As above, and invalid_txn_state. A repeated request is answered like the
  /// first one and applied to no later transaction (from version 2 on).
  [[nodiscard]] transaction_decision decide(
    const transaction_end& request, int64_t wall_ms) const;
  [[nodiscard]] bool wants_new_id(const transaction_end& request) const;
  /// The coordinator aborts, in an epoch that fences the producer: the time is
  /// up, or somebody else wants the id. No records unless one is open.
  [[nodiscard]] transaction_decision decide_fence(int64_t wall_ms) const;
  /// All markers are written. No records unless some were wanted.
  [[nodiscard]] transaction_decision decide_complete(int64_t wall_ms) const;
  /// Forgets an id that nobody has used for `expiration_ms`.
  [[nodiscard]] transaction_decision decide_expiry(
    int64_t wall_ms, int64_t expiration_ms) const;

  /// What has been decided but is not known to be in the partitions.
  [[nodiscard]] std::optional<transaction_markers> markers() const;

  /// A decision's record is on its way into the log.
  void begin();
  /// It is durable; or it is read back.
  void apply(const transaction_record& record);
  /// It has not come into the log, and never will.
  void drop();

private:
  /// Whether it is the id that follows when the markers are written: its
  /// client has been told, and may be quicker than those.
  [[nodiscard]] bool is_next(producer_id id) const;
  [[nodiscard]] kafka_error check_producer(producer_id id, int16_t epoch) const;
  [[nodiscard]] transaction_decision step(transaction_value next) const;
  [[nodiscard]] transaction_decision prepare(
    const transaction_end& request, int64_t wall_ms) const;
  [[nodiscard]] bool repeats_last_end(const transaction_end& request) const;
  [[nodiscard]] kafka_error check_end(const transaction_end& request) const;

  std::string id_;
  std::optional<transaction_value> value_;
  bool pending_ = false;
};

} // namespace millrace
