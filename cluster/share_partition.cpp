#include "cluster/share_partition.hpp"

#include "schema/assert.hpp"
#include "schema/planted_bug.hpp"

#include <algorithm>

namespace millrace {

namespace {

share_run archived_gone() {
  share_run run;
  run.state = share_record_state::archived;
  run.gone = true;
  return run;
}

share_run restored(const share_state_batch& batch, const share_limits& limits) {
  share_run run;
  run.deliveries = batch.delivery_count;
  const auto state = static_cast<share_record_state>(batch.delivery_state);
  if (is_terminal(state))
    run.state = state;
  else if (run.deliveries >= limits.delivery_count_max)
    run.state = share_record_state::archived;
  return run;
}

void note_given(std::vector<share_acquired>& given, int64_t first, int64_t last,
  int16_t deliveries, int32_t batch_size) {
  if (!given.empty()) {
    auto& before = given.back();
    if (before.last.value + 1 == first && before.delivery_count == deliveries
        && last - before.first.value < batch_size) {
      before.last.value = last;
      return;
    }
  }
  given.push_back({{first}, {last}, deliveries});
}

} // namespace

share_partition::share_partition(const share_partition_snapshot& known,
  offset start, leader_epoch leadership, share_limits limits)
    : limits_(limits), state_epoch_(known.state_epoch), leadership_(leadership),
      start_(known.start.value >= 0 ? known.start.value : start.value),
      end_(start_) {
  // Where it begins is to be known before records are: who leads next would
  // begin elsewhere.
  unwritten_ = known.start.value < 0;
  for (const auto& batch : known.batches) {
    const auto first = std::max(batch.first.value, start_);
    if (batch.last.value < first)
      continue;
    if (first > end_)
      window_.assign(end_, first - 1,
        planted(bug::share_passes_over) ? archived_gone() : share_run{});
    window_.assign(first, batch.last.value, restored(batch, limits_));
    end_ = std::max(end_, batch.last.value + 1);
  }
  advance();
}

int64_t share_partition::in_flight() const {
  int64_t count = 0;
  for (const auto& [first, held] : window_.all())
    if (!held.run.gone)
      count += held.last - first + 1;
  return count;
}

std::optional<offset> share_partition::next_fetch_offset() const {
  for (auto at = window_.at_or_after(start_); at != window_.all().end(); ++at)
    if (at->second.run.is_free())
      return offset{at->first};
  if (in_flight() >= limits_.record_locks_max)
    return std::nullopt;
  return offset{end_};
}

std::vector<share_acquired> share_partition::acquire(const std::string& member,
  offset read_from, std::span<const share_log_batch> log,
  const share_wanted& wanted, int64_t now_ms) {
  share_run held;
  held.state = share_record_state::acquired;
  held.member = member;
  held.locked_until_ms = now_ms + limits_.lock_duration_ms;
  taken so_far;
  so_far.room = std::max<int64_t>(limits_.record_locks_max - in_flight(), 0);
  auto at = std::max(read_from.value, start_);
  for (const auto& batch : log) {
    if (batch.last.value < at)
      continue;
    if (batch.first.value > at)
      skip(at, batch.first.value - 1);
    at = std::max(at, batch.first.value);
    if (batch.gone)
      skip(at, batch.last.value);
    else if (so_far.records >= wanted.records_max
             || !take(at, batch.last.value, held, wanted, so_far))
      break;
    at = batch.last.value + 1;
  }
  const auto before = start_;
  advance();
  unwritten_ = unwritten_ || start_ != before;
  return std::move(so_far.given);
}

void share_partition::skip(int64_t first, int64_t last) {
  MILLRACE_ASSERT(first <= end_, "a share partition knows all below its end");
  window_.change(first, std::min(last, end_ - 1), [](share_run& run) {
    if (run.is_free())
      run = archived_gone();
  });
  if (last < end_)
    return;
  window_.assign(end_, last, archived_gone());
  end_ = last + 1;
}

bool share_partition::take(int64_t first, int64_t last, const share_run& held,
  const share_wanted& wanted, taken& so_far) {
  MILLRACE_ASSERT(first <= end_, "a share partition knows all below its end");
  const auto full = [&] {
    return wanted.strict && so_far.records >= wanted.records_max;
  };
  for (auto at = first; at <= std::min(last, end_ - 1);) {
    const auto run = window_.at_or_after(at);
    MILLRACE_ASSERT(run != window_.all().end() && run->first <= at,
      "a share partition knows all below its end");
    const auto until = std::min(run->second.last, last);
    auto given_until = until;
    if (run->second.run.is_free()) {
      if (full())
        return false;
      if (wanted.strict)
        given_until
          = std::min(until, at + wanted.records_max - so_far.records - 1);
      auto given = held;
      given.deliveries = static_cast<int16_t>(run->second.run.deliveries + 1);
      given.unwritten = run->second.run.unwritten;
      window_.assign(at, given_until, given);
      so_far.records += given_until - at + 1;
      note_given(
        so_far.given, at, given_until, given.deliveries, wanted.batch_size);
    }
    at = given_until + 1;
  }
  if (last >= end_)
    give_new(last, held, wanted, so_far);
  return last < end_;
}

void share_partition::give_new(int64_t last, const share_run& held,
  const share_wanted& wanted, taken& so_far) {
  auto count = std::min(last - end_ + 1, so_far.room);
  if (wanted.strict)
    count = std::min(count, wanted.records_max - so_far.records);
  if (count <= 0)
    return;
  auto given = held;
  given.deliveries = 1;
  window_.assign(end_, end_ + count - 1, given);
  note_given(so_far.given, end_, end_ + count - 1, 1, wanted.batch_size);
  so_far.records += count;
  so_far.room -= count;
  end_ += count;
}

void share_partition::free(share_run& run) {
  run.state = run.deliveries >= limits_.delivery_count_max
                ? share_record_state::archived
                : share_record_state::available;
  run.member.clear();
  run.locked_until_ms = 0;
  run.unwritten = true;
  unwritten_ = true;
}

void share_partition::release(const std::string& member) {
  window_.change_all([&](share_run& run) {
    const bool frees = run.is_held_by(member)
                       || (planted(bug::share_frees_others)
                           && run.state == share_record_state::acquired);
    if (frees && run.pending == 0)
      free(run);
  });
  advance();
}

void share_partition::expire(int64_t now_ms) {
  window_.change_all([&](share_run& run) {
    if (run.state == share_record_state::acquired && run.pending == 0
        && (run.locked_until_ms <= now_ms
            || planted(bug::share_ends_locks_early)))
      free(run);
  });
  advance();
}

std::optional<int64_t> share_partition::next_deadline() const {
  std::optional<int64_t> next;
  for (const auto& [first, held] : window_.all()) {
    const auto& run = held.run;
    if (run.state == share_record_state::acquired && run.pending == 0)
      next = std::min(next.value_or(INT64_MAX), run.locked_until_ms);
  }
  return next;
}

void share_partition::move_log_start(offset log_start) {
  if (log_start.value <= start_)
    return;
  start_ = log_start.value;
  advance();
}

int64_t share_partition::first_known() const {
  return window_.empty() ? end_ : window_.all().begin()->first;
}

void share_partition::advance() {
  for (auto at = window_.at_or_after(start_);
    at != window_.all().end() && at->first <= start_
    && is_terminal(at->second.run.state);
    ++at)
    start_ = at->second.last + 1;
  end_ = std::max(end_, start_);
  window_.erase_if(first_known(), start_ - 1, [](const share_run& run) {
    return run.state != share_record_state::acquired;
  });
}

} // namespace millrace
