// The part of transaction_state that ends transactions, and ids.

#include "cluster/transaction_state.hpp"

#include <utility>

namespace millrace {

namespace {

bool raises_epoch(const transaction_end& request) {
  return request.client_version >= transaction_version_epoch_bump;
}

/// With what the client goes on once the transaction has ended.
transaction_reply after_end(const transaction_value& value) {
  if (value.next_id.value >= 0)
    return {kafka_error::none, value.next_id, 0};
  return {kafka_error::none, value.id, value.epoch};
}

} // namespace

bool transaction_state::repeats_last_end(const transaction_end& request) const {
  // A transaction of version 1 ends in the epoch that InitProducerId gave it:
  // that this is one more than the request's says that another client has
  // come, who would have to share it.
  if (!raises_epoch(request)
      || value_->client_version < transaction_version_epoch_bump)
    return false;
  // The epoch rose by one, or (after the last one) the id changed.
  const bool epoch_rose
    = value_->id == request.id && request.epoch < value_->epoch
      && request.epoch + 1 == value_->epoch
      && (value_->epoch < producer_epoch_last || value_->next_id.value >= 0);
  const bool id_changed = value_->previous_id == request.id
                          && value_->last_epoch == request.epoch
                          && value_->epoch == 0;
  return epoch_rose || id_changed;
}

kafka_error transaction_state::check_end(const transaction_end& request) const {
  using enum transaction_phase;
  if (pending_ || is_next(request.id))
    return kafka_error::concurrent_transactions;
  if (!value_)
    return kafka_error::invalid_producer_id_mapping;
  // Only what is past its transaction can have been ended by this very
  // request: the epoch of an open one is that of its own EndTxn.
  const bool past
    = markers() || in_phase(complete_commit) || in_phase(complete_abort);
  const bool repeats = past && repeats_last_end(request);
  if (value_->id != request.id && !repeats)
    return kafka_error::invalid_producer_id_mapping;
  const bool in_force
    = value_->epoch == request.epoch && request.epoch != producer_epoch_last;
  if (!repeats && !in_force)
    return kafka_error::producer_fenced;
  // In version 2, a request with the epoch that is in force asks for the end
  // of the next transaction, while this one's markers are being written. A
  // client comes so early when none of its batches has been sent. Kafka fences
  // it, and so ends a producer that has done nothing wrong.
  if (!repeats && raises_epoch(request) && markers())
    return kafka_error::concurrent_transactions;
  const bool ended = past && (repeats || !raises_epoch(request));
  if (!ended)
    return kafka_error::none;
  const bool committed = in_phase(prepare_commit) || in_phase(complete_commit);
  if (committed != request.commit)
    return kafka_error::invalid_txn_state;
  return markers() ? kafka_error::concurrent_transactions : kafka_error::none;
}

bool transaction_state::wants_new_id(const transaction_end& request) const {
  using enum transaction_phase;
  return raises_epoch(request) && check_end(request) == kafka_error::none
         && value_->epoch == request.epoch && value_->id == request.id
         && is_exhausted(value_->epoch)
         && (in_phase(ongoing) || !request.commit);
}

transaction_decision transaction_state::decide(
  const transaction_end& request, int64_t wall_ms) const {
  using enum transaction_phase;
  if (const auto error = check_end(request); error != kafka_error::none)
    return {{error}, {}};
  if (in_phase(ongoing))
    return prepare(request, wall_ms);
  const bool ended = in_phase(complete_commit) || in_phase(complete_abort);
  if (ended && (!raises_epoch(request) || repeats_last_end(request)))
    return {after_end(*value_), {}};
  // Nothing is open. What may be is an abort whose producer does not know
  // whether any of its batches got through (KIP-890).
  if (request.commit || !raises_epoch(request))
    return {{kafka_error::invalid_txn_state}, {}};
  return prepare(request, wall_ms);
}

transaction_decision transaction_state::prepare(
  const transaction_end& request, int64_t wall_ms) const {
  auto next = *value_;
  if (!in_phase(transaction_phase::ongoing)) {
    next.started_ms = wall_ms;
    next.partitions.clear();
  }
  next.phase = request.commit ? transaction_phase::prepare_commit
                              : transaction_phase::prepare_abort;
  next.updated_ms = wall_ms;
  next.client_version = request.client_version;
  if (raises_epoch(request)) {
    if (is_exhausted(next.epoch)) {
      if (!request.new_id)
        return {{kafka_error::concurrent_transactions}, {}};
      next.next_id = *request.new_id;
    }
    next.previous_id = no_producer_id;
    next.last_epoch = next.epoch;
    ++next.epoch; // the markers carry it, and so fence what comes late
  }
  const auto reply = after_end(next);
  auto decided = step(std::move(next));
  decided.reply = reply;
  return decided;
}

transaction_decision transaction_state::decide_fence(int64_t wall_ms) const {
  if (pending_ || !in_phase(transaction_phase::ongoing))
    return {{kafka_error::concurrent_transactions}, {}};
  auto next = *value_;
  next.phase = transaction_phase::prepare_abort;
  next.updated_ms = wall_ms;
  next.last_epoch = -1;
  next.previous_id = no_producer_id;
  // No producer of ours is in the last epoch, but its record may be another's.
  if (next.epoch < producer_epoch_last)
    ++next.epoch;
  // Whom it fences may come back, as long as nobody else has come: so a
  // producer that asks for its own next epoch, as it is told to, gets it.
  if (next.epoch < producer_epoch_last)
    next.last_epoch = value_->epoch;
  return step(std::move(next));
}

transaction_decision transaction_state::decide_complete(int64_t wall_ms) const {
  if (pending_ || !markers())
    return {{kafka_error::concurrent_transactions}, {}};
  auto next = *value_;
  next.phase = in_phase(transaction_phase::prepare_commit)
                 ? transaction_phase::complete_commit
                 : transaction_phase::complete_abort;
  next.updated_ms = wall_ms;
  next.partitions.clear();
  if (next.next_id.value >= 0) {
    next.previous_id = std::exchange(next.id, next.next_id);
    next.next_id = no_producer_id;
    next.epoch = 0;
  }
  return step(std::move(next));
}

transaction_decision transaction_state::decide_expiry(
  int64_t wall_ms, int64_t expiration_ms) const {
  using enum transaction_phase;
  const bool idle
    = in_phase(empty) || in_phase(complete_commit) || in_phase(complete_abort);
  if (pending_ || !idle || wall_ms - value_->updated_ms < expiration_ms)
    return {{kafka_error::concurrent_transactions}, {}};
  return {{}, {{id_, std::nullopt}}};
}

} // namespace millrace
