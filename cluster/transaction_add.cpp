// The part of transaction_state that lets partitions take part.

#include "cluster/transaction_state.hpp"

#include <algorithm>

namespace millrace {

transaction_decision transaction_state::decide(
  const transaction_add& request, int64_t wall_ms) const {
  if (const auto error = check_producer(request.id, request.epoch);
    error != kafka_error::none)
    return {{error}, {}};
  const bool open = in_phase(transaction_phase::ongoing);
  if (open
      && std::includes(value_->partitions.begin(), value_->partitions.end(),
        request.partitions.begin(), request.partitions.end()))
    return {{kafka_error::none, value_->id, value_->epoch}, {}};
  auto next = *value_;
  if (!open) {
    next.phase = transaction_phase::ongoing;
    next.started_ms = wall_ms;
    next.previous_id = no_producer_id;
    next.last_epoch = -1;
    next.partitions.clear();
  }
  next.partitions.insert(request.partitions.begin(), request.partitions.end());
  next.updated_ms = wall_ms;
  next.client_version = request.client_version;
  return step(std::move(next));
}

kafka_error transaction_state::verify(
  producer_id id, int16_t epoch, const topic_partition& partition) const {
  if (const auto error = check_producer(id, epoch); error != kafka_error::none)
    return error;
  // A batch of a transaction that has ended, or that never had the partition.
  return in_phase(transaction_phase::ongoing)
             && value_->partitions.contains(partition)
           ? kafka_error::none
           : kafka_error::transaction_abortable;
}

} // namespace millrace
