#pragma once

// The transaction coordinator of one partition of __transaction_state: all
// its transactional ids, as one synchronous state machine.

#include "cluster/transaction_config.hpp"
#include "cluster/transaction_effects.hpp"
#include "cluster/transaction_state.hpp"
#include "cluster/wake_schedule.hpp"
#include "schema/kafka_error.hpp"
#include "schema/result.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

/// Transactions (KIP-98, 360, 588, 664, 890) without clock, thread, disk or
/// randomness of its own.
///
/// Life: replay() the log, then finish_load(); then handle(), on_appended(),
/// on_markers_written(), on_timer() in any order; abandon() when the
/// partition moves away, or when nobody can tell what became of an append.
/// Each token is answered exactly once, and by on_appended() where the answer
/// depends on records (R20). Which partition of __transaction_state owns an
/// id is group_partition()'s to say, as it is for groups.
class transaction_registry {
public:
  /// One id, and what a replay does not bring back.
  struct entry {
    transaction_state state;
    /// Where the markers are not known to be.
    std::set<topic_partition> unmarked;
    /// When the transaction is aborted, in monotonic time.
    int64_t deadline_ms = std::numeric_limits<int64_t>::max();
    /// The coordinator's own next record waits until then.
    int64_t not_before_ms = 0;
  };

  explicit transaction_registry(transaction_config config = {});
  transaction_registry(const transaction_registry&) = delete;
  transaction_registry& operator=(const transaction_registry&) = delete;

  /// One record of the log, in order; unknown kinds are ignored.
  /// Errors: corrupt, truncated, unsupported.
  [[nodiscard]] result<void> replay(
    std::string_view key, std::optional<std::string_view> value);
  /// Starts to serve, as the leader of its partition in this epoch. Gives the
  /// markers of what had been decided; open transactions get the rest of
  /// their time, by the wall clock.
  [[nodiscard]] transaction_effects finish_load(
    int32_t coordinator_epoch, int64_t now_ms, int64_t wall_ms);
  /// Of the markers that this registry gives.
  [[nodiscard]] int32_t coordinator_epoch() const {
    return coordinator_epoch_;
  }

  // Requests. Precondition for all below: finish_load().

  /// Whether handle() would use up a producer id: ask the controller for one
  /// first. Without one the client is told to come again.
  [[nodiscard]] bool wants_new_id(
    const kafka::init_producer_id_request& request) const;
  [[nodiscard]] bool wants_new_id(
    int16_t version, const kafka::end_txn_request& request) const;

  /// The id that a request had better wait for: it would be told
  /// concurrent_transactions, but only until a record that is on its way is in
  /// the log, or markers are. Each of those steps is told in
  /// transaction_effects::moved. Null: handle() need not wait. Valid until the
  /// next call.
  [[nodiscard]] const std::string* awaited(const transaction_context& who,
    const kafka::init_producer_id_request& request) const;
  [[nodiscard]] const std::string* awaited(const transaction_context& who,
    const kafka::add_partitions_to_txn_request& request) const;
  [[nodiscard]] const std::string* awaited(const transaction_context& who,
    const kafka::add_offsets_to_txn_request& request) const;
  [[nodiscard]] const std::string* awaited(const transaction_context& who,
    const kafka::end_txn_request& request) const;

  /// Precondition: the request has a transactional id.
  [[nodiscard]] transaction_effects handle(const transaction_context& who,
    const kafka::init_producer_id_request& request,
    std::optional<producer_id> new_id);
  /// Whether the partitions exist is the caller's to check.
  [[nodiscard]] transaction_effects handle(const transaction_context& who,
    const kafka::add_partitions_to_txn_request& request);
  /// @param offsets_partitions how many __consumer_offsets has
  [[nodiscard]] transaction_effects handle(const transaction_context& who,
    const kafka::add_offsets_to_txn_request& request,
    int32_t offsets_partitions);
  [[nodiscard]] transaction_effects handle(const transaction_context& who,
    const kafka::end_txn_request& request, std::optional<producer_id> new_id);

  // KIP-664: transaction_admin.cpp.

  [[nodiscard]] kafka::describe_transactions_response describe(
    const kafka::describe_transactions_request& request) const;
  /// @param matches stands for the request's pattern (RE2, R30)
  [[nodiscard]] kafka::list_transactions_response list(
    const kafka::list_transactions_request& request, int64_t wall_ms,
    const std::function<bool(std::string_view)>& matches = {}) const;

  // Events.

  /// The append of `append_id` is durable (none), or has failed and will
  /// never be in the log. Those that succeed end in order.
  [[nodiscard]] transaction_effects on_appended(
    uint64_t append_id, kafka_error error, int64_t now_ms, int64_t wall_ms);
  /// The markers of this producer and epoch are in these partitions, or the
  /// partitions are gone. Others are ignored: they are of the past.
  [[nodiscard]] transaction_effects on_markers_written(
    const std::string& transactional_id, producer_id id, int16_t epoch,
    std::span<const topic_partition> partitions, int64_t now_ms,
    int64_t wall_ms);
  /// Does what is due: aborts, and the expiry of ids.
  [[nodiscard]] transaction_effects on_timer(int64_t now_ms, int64_t wall_ms);
  /// When on_timer() is wanted, in monotonic time.
  [[nodiscard]] std::optional<int64_t> next_deadline() const;
  /// Answers all that waits with not_coordinator and forgets everything.
  [[nodiscard]] transaction_effects abandon();

  [[nodiscard]] const std::map<std::string, entry>& entries() const {
    return entries_;
  }

private:
  /// Runs when the records of its turn are durable or have failed to be.
  using continuation = std::function<void(transaction_effects&, kafka_error)>;

  struct turn {
    int64_t now_ms = 0;
    int64_t wall_ms = 0;
    transaction_effects effects;
    std::vector<transaction_record> records;
    std::vector<continuation> continuations;
  };
  struct pending_append {
    std::vector<transaction_record> records;
    std::vector<continuation> continuations;
  };

  [[nodiscard]] const transaction_state* find(const std::string& id) const;
  template <class Request>
  [[nodiscard]] const std::string* awaited(
    const std::string& id, const Request& request, int64_t wall_ms) const;
  [[nodiscard]] turn begin_turn(int64_t now_ms, int64_t wall_ms) const;
  [[nodiscard]] transaction_effects end_turn(turn& t);
  /// Takes a decision's records into the turn.
  void append(turn& t, const transaction_decision& decided);
  /// Answers when the turn's records are durable; at once without any.
  /// @param answer_of the answer, by how the append ended
  void reply(turn& t, uint64_t token,
    std::function<transaction_answer(kafka_error)> answer_of);
  [[nodiscard]] transaction_decision add(
    turn& t, const std::string& id, const transaction_add& request);
  void applied(turn& t, const transaction_record& record);
  void failed(turn& t, const transaction_record& record);
  /// Ends a transaction whose markers are all written.
  void complete(turn& t, entry& e);
  void schedule(const std::string& id);
  void expire_ids(turn& t);

  transaction_config config_;
  int32_t coordinator_epoch_ = -1;
  std::map<std::string, entry> entries_;
  std::map<uint64_t, pending_append> pending_;
  uint64_t next_append_id_ = 1;
  // Ids by when they want to be woken.
  wake_schedule wakes_;
  int64_t expiry_due_ms_ = 0;
  std::string expiry_cursor_; // the id after which to go on
  bool loaded_ = false;
  // The clocks when loading ended; R19.
  int64_t loaded_now_ms_ = 0;
  int64_t loaded_wall_ms_ = 0;
};

} // namespace millrace
