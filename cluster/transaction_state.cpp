#include "cluster/transaction_state.hpp"

#include "schema/assert.hpp"

#include <array>
#include <utility>

namespace millrace {

namespace {

constexpr std::array<const char*, 8> names{"Empty", "Ongoing", "PrepareCommit",
  "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead",
  "PrepareEpochFence"};

} // namespace

const char* to_string(transaction_phase phase) {
  return names.at(static_cast<size_t>(phase));
}

std::optional<transaction_phase> parse_transaction_phase(
  std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i)
    if (name == names[i])
      return static_cast<transaction_phase>(i);
  return {};
}

bool may_follow(transaction_phase before, transaction_phase next) {
  using enum transaction_phase;
  const bool between
    = before == empty || before == complete_commit || before == complete_abort;
  switch (next) {
  case empty:
    return between;
  case ongoing:
  case prepare_abort: // KIP-890: an abort of nothing raises the epoch too
    return between || before == ongoing;
  case prepare_commit:
    return before == ongoing;
  case complete_commit:
    return before == prepare_commit;
  case complete_abort:
    return before == prepare_abort;
  case dead:
  case prepare_epoch_fence:
    return false; // no record says so
  }
  return false;
}

std::optional<transaction_markers> transaction_state::markers() const {
  const bool commit = in_phase(transaction_phase::prepare_commit);
  if (!commit && !in_phase(transaction_phase::prepare_abort))
    return {};
  return transaction_markers{id_, value_->id, value_->epoch, commit,
    value_->client_version, value_->partitions};
}

void transaction_state::begin() {
  MILLRACE_ASSERT(!pending_, "an id has one record under way at a time");
  pending_ = true;
}

void transaction_state::apply(const transaction_record& record) {
  MILLRACE_ASSERT(record.transactional_id == id_, "a record of this id");
  value_ = record.value;
  pending_ = false;
}

void transaction_state::drop() {
  MILLRACE_ASSERT(pending_, "there is a record to drop");
  pending_ = false;
}

bool transaction_state::is_next(producer_id id) const {
  return value_ && id.value >= 0 && value_->next_id == id;
}

kafka_error transaction_state::check_producer(
  producer_id id, int16_t epoch) const {
  if (pending_ || is_next(id))
    return kafka_error::concurrent_transactions;
  if (!value_ || value_->id != id)
    return kafka_error::invalid_producer_id_mapping;
  // The last epoch is the coordinator's own, to fence with.
  if (value_->epoch != epoch || epoch == producer_epoch_last)
    return kafka_error::producer_fenced;
  if (markers())
    return kafka_error::concurrent_transactions;
  return kafka_error::none;
}

transaction_decision transaction_state::step(transaction_value next) const {
  MILLRACE_ASSERT(!value_ || may_follow(value_->phase, next.phase),
    "a transaction goes through its phases in their order");
  MILLRACE_ASSERT(
    !value_ || next.id != value_->id || next.epoch >= value_->epoch,
    "an epoch never falls");
  transaction_reply reply{kafka_error::none, next.id, next.epoch};
  return {reply, {{id_, std::move(next)}}};
}

} // namespace millrace
