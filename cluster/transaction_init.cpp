// The part of transaction_state that hands out producer ids and epochs.

#include "cluster/transaction_state.hpp"

namespace millrace {

namespace {

transaction_decision refused(kafka_error error) {
  return {{error}, {}};
}

/// Whether the producer says which id and epoch it has (KIP-360).
bool goes_on(const transaction_init& request) {
  return request.id != no_producer_id;
}

/// Whether the answer to the same request was lost: id or epoch have risen
/// for it, and nobody else has come since.
bool repeats_last_rise(
  const transaction_value& value, const transaction_init& request) {
  if (!goes_on(request) || value.last_epoch < 0
      || value.last_epoch != request.epoch)
    return false;
  return value.id == request.id || value.previous_id == request.id;
}

/// Whether the producer may go on: it is the newest.
bool is_newest(
  const transaction_value& value, const transaction_init& request) {
  return !goes_on(request)
         || (value.id == request.id && value.epoch == request.epoch);
}

} // namespace

bool transaction_state::wants_new_id(const transaction_init& request) const {
  if (pending_)
    return false;
  if (!value_)
    return true;
  return !in_phase(transaction_phase::ongoing) && !markers()
         && is_exhausted(value_->epoch) && !repeats_last_rise(*value_, request)
         && is_newest(*value_, request);
}

transaction_decision transaction_state::decide(
  const transaction_init& request, int64_t wall_ms) const {
  if (pending_ || is_next(request.id))
    return refused(kafka_error::concurrent_transactions);
  if (value_ && goes_on(request) && value_->id != request.id
      && !repeats_last_rise(*value_, request))
    return refused(kafka_error::producer_fenced);
  if (markers())
    return refused(kafka_error::concurrent_transactions);
  if (value_ && !in_phase(transaction_phase::ongoing)
      && repeats_last_rise(*value_, request)) {
    if (in_phase(transaction_phase::empty))
      return {{kafka_error::none, value_->id, value_->epoch}, {}};
    // The epoch rose as its transaction was aborted. It begins anew in it.
    transaction_value next;
    next.id = value_->id;
    next.epoch = value_->epoch;
    next.previous_id = value_->previous_id;
    next.last_epoch = value_->last_epoch;
    next.timeout_ms = request.timeout_ms;
    next.updated_ms = wall_ms;
    return step(std::move(next));
  }
  // Kafka looks at the epoch only when nothing is open, so that a zombie can
  // abort its successor's transaction. Here it cannot.
  if (value_ && !is_newest(*value_, request))
    return refused(kafka_error::producer_fenced);
  if (in_phase(transaction_phase::ongoing)) {
    auto fence = decide_fence(wall_ms);
    // The client asks again, and is given the epoch after this one.
    fence.reply = {kafka_error::concurrent_transactions};
    return fence;
  }
  transaction_value next;
  next.timeout_ms = request.timeout_ms;
  next.updated_ms = wall_ms;
  if (wants_new_id(request)) {
    if (!request.new_id)
      return refused(kafka_error::concurrent_transactions);
    next.id = *request.new_id;
    next.epoch = 0;
    if (value_)
      next.previous_id = value_->id;
  } else {
    next.id = value_->id;
    next.epoch = static_cast<int16_t>(value_->epoch + 1);
  }
  if (value_ && goes_on(request))
    next.last_epoch = value_->epoch;
  return step(std::move(next));
}

} // namespace millrace
