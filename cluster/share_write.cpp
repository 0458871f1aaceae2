#include "cluster/share_partition.hpp"
#include "schema/assert.hpp"
#include "schema/planted_bug.hpp"

#include <algorithm>
#include <utility>

namespace millrace {

namespace {

/// What a run is when all is durable that has been acknowledged.
share_record_state then(const share_run& run) {
  return run.pending == 0 ? run.state : run.next;
}

/// What is durable of a run. Who is given a record is not: that counts as a
/// delivery when it ends.
share_state_batch durable(const share_run& run) {
  share_state_batch batch;
  const auto state = then(run);
  const bool held = state == share_record_state::acquired;
  batch.delivery_state
    = static_cast<int8_t>(held ? share_record_state::available : state);
  batch.delivery_count = static_cast<int16_t>(run.deliveries - (held ? 1 : 0));
  if (planted(bug::share_forgets_deliveries) && !is_terminal(state))
    batch.delivery_count = 0;
  return batch;
}

std::vector<uint64_t> tickets_of(const auto& acknowledged) {
  std::vector<uint64_t> tickets;
  tickets.reserve(acknowledged.size());
  for (const auto& one : acknowledged)
    tickets.push_back(one.ticket);
  return tickets;
}

} // namespace

std::vector<share_state_batch> share_partition::batches_to_write(int64_t from) {
  std::vector<share_state_batch> batches;
  for (auto at = window_.at_or_after(from); at != window_.all().end(); ++at) {
    const auto& run = at->second.run;
    if (!run.unwritten && run.pending == 0)
      continue;
    auto batch = durable(run);
    batch.first = {std::max(at->first, from)};
    batch.last = {at->second.last};
    if (!batches.empty() && batches.back().last.value + 1 == batch.first.value
        && batches.back().delivery_state == batch.delivery_state
        && batches.back().delivery_count == batch.delivery_count)
      batches.back().last = batch.last;
    else
      batches.push_back(batch);
  }
  return batches;
}

int64_t share_partition::count_complete(int64_t from) const {
  int64_t count = 0;
  for (auto at = window_.at_or_after(from); at != window_.all().end(); ++at)
    if (is_terminal(then(at->second.run)))
      count += at->second.last - std::max(at->first, from) + 1;
  return count;
}

std::optional<share_partition_snapshot> share_partition::take_write() {
  if (writing_ || (waiting_.empty() && !unwritten_))
    return std::nullopt;
  auto from = start_;
  for (auto at = window_.at_or_after(from);
    at != window_.all().end() && is_terminal(then(at->second.run)); ++at)
    from = at->second.last + 1;
  share_partition_snapshot write;
  write.state_epoch = state_epoch_;
  write.leader_epoch = leadership_.value;
  write.start = {from};
  write.delivery_complete_count
    = static_cast<int32_t>(std::min<int64_t>(count_complete(from), INT32_MAX));
  write.batches = batches_to_write(from);
  writing now;
  now.acknowledged = std::exchange(waiting_, {});
  window_.change_all([](share_run& run) {
    if (run.pending == 0)
      run.unwritten = false;
  });
  unwritten_ = false;
  writing_ = std::move(now);
  return write;
}

std::vector<uint64_t> share_partition::write_done() {
  MILLRACE_ASSERT(writing_, "a write is under way");
  const auto done = *std::exchange(writing_, std::nullopt);
  if (!done.acknowledged.empty()) {
    const auto last = done.acknowledged.back().number;
    window_.change_all([&](share_run& run) {
      if (run.pending == 0 || run.pending > last)
        return;
      run.state = run.next;
      run.next = share_record_state::available;
      run.pending = 0;
      run.member.clear();
      run.locked_until_ms = 0;
      run.unwritten = false;
    });
  }
  advance();
  return tickets_of(done.acknowledged);
}

std::vector<uint64_t> share_partition::write_failed() {
  MILLRACE_ASSERT(writing_, "a write is under way");
  const auto failed = *std::exchange(writing_, std::nullopt);
  const auto last
    = failed.acknowledged.empty() ? 0 : failed.acknowledged.back().number;
  window_.change_all([&](share_run& run) {
    run.unwritten = !run.gone;
    if (run.pending == 0 || run.pending > last)
      return;
    run.pending = 0;
    run.next = share_record_state::available;
  });
  unwritten_ = true;
  return tickets_of(failed.acknowledged);
}

std::vector<uint64_t> share_partition::abandon() {
  auto tickets = writing_ ? write_failed() : std::vector<uint64_t>{};
  const auto more = tickets_of(std::exchange(waiting_, {}));
  tickets.insert(tickets.end(), more.begin(), more.end());
  unwritten_ = false;
  window_.change_all([](share_run& run) {
    run.pending = 0;
    run.next = share_record_state::available;
  });
  return tickets;
}

} // namespace millrace
