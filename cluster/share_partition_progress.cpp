#include "cluster/share_partition_progress.hpp"

#include "schema/assert.hpp"

#include <algorithm>

namespace millrace {

namespace {

using kind = share_state_record::kind;

share_state_decision refused(kafka_error error, std::string message) {
  return {{error, std::move(message), {}}, {}};
}

share_state_decision fenced_leader() {
  return refused(kafka_error::fenced_leader_epoch,
    "The leader epoch in the request is older than the epoch on the broker.");
}

share_state_decision fenced_state() {
  return refused(kafka_error::fenced_state_epoch,
    "The share coordinator rejected the request because the share-group state "
    "epoch did not match.");
}

/// Whether an epoch, if it is one, is of the past.
bool is_past(int32_t epoch, int32_t known) {
  return epoch != -1 && epoch < known;
}

} // namespace

share_partition_snapshot share_partition_progress::snapshot() const {
  return {state_epoch_, leader_epoch_, start_, delivery_complete_count_,
    batches_.list()};
}

share_state_decision share_partition_progress::decide(
  const share_state_question& question, int32_t updates_max,
  int64_t wall_ms) const {
  if (question.key.partition < 0)
    return refused(kafka_error::invalid_request,
      "The partition id cannot be a negative number.");
  return std::visit(
    [&](const auto& q) {
      return decide(q, updates_max, wall_ms);
    },
    question.what);
}

share_state_decision share_partition_progress::decide(
  const question::initialize& q, int32_t, int64_t wall_ms) const {
  if (exists_ && is_past(q.state_epoch, state_epoch_))
    return fenced_state();
  // A group coordinator asks again when it had no answer, or another one did
  // not hear of it: what has been consumed since is not consumed anew.
  if (exists_ && q.start.value == -1)
    return {};
  share_state_record record{.what = kind::snapshot,
    .key = key_,
    .snapshot_epoch = snapshot_epoch_ + 1,
    .created_ms = wall_ms,
    .written_ms = wall_ms};
  // Leaders that have been fenced stay fenced.
  record.state
    = {q.state_epoch, leader_epoch_, q.start, q.start.value == -1 ? -1 : 0, {}};
  return {{}, std::move(record)};
}

share_state_decision share_partition_progress::decide(
  const question::read& q, int32_t updates_max, int64_t wall_ms) const {
  if (!exists_)
    return refused(kafka_error::invalid_request,
      "Read operation on uninitialized share partition not allowed.");
  if (is_past(q.leader_epoch, leader_epoch_))
    return fenced_leader();
  share_state_decision decided{{.state = snapshot()}, {}};
  if (q.leader_epoch > leader_epoch_) {
    decided.answer.state.leader_epoch = q.leader_epoch;
    decided.record = updated(
      {state_epoch_, q.leader_epoch, start_, delivery_complete_count_, {}},
      updates_max, wall_ms);
  }
  return decided;
}

share_state_decision share_partition_progress::decide(
  const question::write& q, int32_t updates_max, int64_t wall_ms) const {
  if (!exists_)
    return refused(kafka_error::invalid_request,
      "Write operation on uninitialized share partition not allowed.");
  if (is_past(q.leader_epoch, leader_epoch_))
    return fenced_leader();
  if (is_past(q.state_epoch, state_epoch_))
    return fenced_state();
  if (!std::ranges::all_of(q.batches, is_share_batch))
    return refused(kafka_error::invalid_request,
      "A batch ends before it begins, or has been delivered less than never.");
  share_partition_snapshot change{state_epoch_,
    std::max(q.leader_epoch, leader_epoch_),
    q.start.value == -1 ? start_ : q.start, q.delivery_complete_count,
    q.batches};
  return {{}, updated(std::move(change), updates_max, wall_ms)};
}

share_state_decision share_partition_progress::decide(
  const question::summarize&, int32_t, int64_t) const {
  share_state_answer answer;
  answer.state
    = {state_epoch_, leader_epoch_, start_, delivery_complete_count_, {}};
  if (!exists_)
    answer.state = {0, 0, offset{-1}, -1, {}};
  return {std::move(answer), {}};
}

share_state_decision share_partition_progress::decide(
  const question::forget&, int32_t, int64_t) const {
  if (!exists_)
    return {};
  return {{}, share_state_record{.what = kind::tombstone, .key = key_}};
}

share_state_decision share_partition_progress::decide(
  const question::log_end&, int32_t, int64_t) const {
  return refused(kafka_error::invalid_request, "It is not kept here.");
}

share_state_record share_partition_progress::updated(
  share_partition_snapshot change, int32_t updates_max, int64_t wall_ms) const {
  share_state_record record{.what = kind::update,
    .key = key_,
    .snapshot_epoch = snapshot_epoch_,
    .state = std::move(change)};
  if (updates_ + 1 < updates_max) {
    record.state.state_epoch = 0; // an update has none
    return record;
  }
  auto after = *this;
  after.apply(record);
  return after.snapshot_again(wall_ms);
}

share_state_record share_partition_progress::snapshot_again(
  int64_t wall_ms) const {
  MILLRACE_ASSERT(exists_, "what is not there has no snapshot");
  return {.what = kind::snapshot,
    .key = key_,
    .snapshot_epoch = snapshot_epoch_ + 1,
    .state = snapshot(),
    .created_ms = created_ms_,
    .written_ms = wall_ms};
}

void share_partition_progress::apply(const share_state_record& record) {
  MILLRACE_ASSERT(record.key == key_, "a record is of its share partition");
  const auto& state = record.state;
  switch (record.what) {
  case kind::tombstone:
    *this = share_partition_progress{key_};
    break;
  case kind::update:
    // Of another snapshot: what it changes is not there any more, or is lost.
    if (exists_ && record.snapshot_epoch == snapshot_epoch_)
      apply_update(state);
    break;
  case kind::snapshot:
    exists_ = true;
    snapshot_epoch_ = record.snapshot_epoch;
    updates_ = 0;
    state_epoch_ = state.state_epoch;
    leader_epoch_ = state.leader_epoch;
    start_ = state.start;
    delivery_complete_count_ = state.delivery_complete_count;
    created_ms_ = record.created_ms;
    batches_ = share_batches{state.batches};
    break;
  }
}

void share_partition_progress::apply_update(
  const share_partition_snapshot& change) {
  ++updates_;
  if (change.leader_epoch != -1)
    leader_epoch_ = change.leader_epoch;
  if (change.start.value != -1)
    start_ = change.start;
  delivery_complete_count_ = change.delivery_complete_count;
  for (const auto& batch : change.batches)
    batches_.lay_over(batch);
  batches_.cut_below(start_);
}

} // namespace millrace
