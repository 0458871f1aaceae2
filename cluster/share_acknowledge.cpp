#include "cluster/share_partition.hpp"

namespace millrace {

namespace {

/// Calls `each` with the parts of a batch that have one type.
template <class Each>
void for_each_type(const share_acknowledgement& batch, const Each& each) {
  const auto type_at = [&](size_t i) {
    return static_cast<share_acknowledge_type>(batch.types[i]);
  };
  if (batch.types.size() == 1) {
    each(batch.first.value, batch.last.value, type_at(0));
    return;
  }
  for (size_t i = 0; i < batch.types.size();) {
    auto next = i + 1;
    while (next < batch.types.size() && batch.types[next] == batch.types[i])
      ++next;
    each(batch.first.value + static_cast<int64_t>(i),
      batch.first.value + static_cast<int64_t>(next) - 1, type_at(i));
    i = next;
  }
}

} // namespace

bool are_plausible(std::span<const share_acknowledgement> batches,
  share_acknowledge_type highest) {
  int64_t previous = -1;
  for (const auto& batch : batches) {
    const auto count = static_cast<int64_t>(batch.types.size());
    if (batch.first.value < 0 || batch.first > batch.last
        || batch.first.value < previous || count == 0
        || (count > 1 && batch.last.value - batch.first.value != count - 1))
      return false;
    for (const auto type : batch.types)
      if (type < 0 || type > static_cast<int8_t>(highest))
        return false;
    previous = batch.last.value;
  }
  return true;
}

kafka_error share_partition::check(
  const std::string& member, const share_acknowledgement& batch) const {
  if (window_.empty() || batch.last.value < first_known())
    return kafka_error::invalid_record_state;
  if (batch.last.value >= end_)
    return kafka_error::invalid_request;
  bool any = batch.last.value >= start_;
  for (auto at = window_.at_or_after(batch.first.value);
    at != window_.all().end() && at->first <= batch.last.value; ++at) {
    const auto& run = at->second.run;
    if (run.gone)
      continue;
    if (!run.is_held_by(member) || run.pending != 0)
      return kafka_error::invalid_record_state;
    any = true;
  }
  return any ? kafka_error::none : kafka_error::invalid_record_state;
}

share_record_state share_partition::after(
  share_acknowledge_type type, const share_run& run) const {
  switch (type) {
  case share_acknowledge_type::accept:
    return share_record_state::acknowledged;
  case share_acknowledge_type::release:
    return run.deliveries >= limits_.delivery_count_max
             ? share_record_state::archived
             : share_record_state::available;
  default:
    return share_record_state::archived;
  }
}

bool share_partition::mark(int64_t first, int64_t last,
  share_acknowledge_type type, uint64_t number, int64_t now_ms) {
  bool marked = false;
  window_.change(first, last, [&](share_run& run) {
    if (run.gone)
      return;
    if (type == share_acknowledge_type::renew) {
      run.locked_until_ms = now_ms + limits_.lock_duration_ms;
      return;
    }
    run.pending = number;
    run.next = after(type, run);
    marked = true;
  });
  return marked;
}

share_verdict share_partition::acknowledge(const std::string& member,
  std::span<const share_acknowledgement> batches, uint64_t ticket,
  int64_t now_ms) {
  int64_t previous = -1;
  for (const auto& batch : batches) {
    // What one batch has acknowledged nobody holds for the next one.
    if (batch.first.value <= previous)
      return {kafka_error::invalid_record_state};
    if (const auto error = check(member, batch); error != kafka_error::none)
      return {error};
    previous = batch.last.value;
  }
  share_verdict verdict;
  const auto number = last_number_ + 1;
  for (const auto& batch : batches)
    for_each_type(batch, [&](int64_t first, int64_t last, auto type) {
      if (mark(first, last, type, number, now_ms))
        verdict.waits = true;
    });
  if (verdict.waits) {
    last_number_ = number;
    waiting_.push_back({number, ticket});
  }
  return verdict;
}

} // namespace millrace
