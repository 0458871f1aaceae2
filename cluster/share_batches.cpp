#include "cluster/share_batches.hpp"

#include "schema/assert.hpp"

#include <iterator>

namespace millrace {

share_batches::share_batches(std::span<const share_state_batch> batches) {
  for (const auto& batch : batches)
    lay_over(batch);
}

void share_batches::lay_over(const share_state_batch& batch) {
  MILLRACE_ASSERT(is_share_batch(batch), "what is no batch is refused before");
  const auto first = batch.first.value;
  const auto last = batch.last.value;
  split(first);
  if (last < INT64_MAX)
    split(last + 1);
  ranges_.erase(ranges_.lower_bound(first), ranges_.upper_bound(last));
  const auto placed
    = ranges_
        .insert_or_assign(
          first, range{last, batch.delivery_state, batch.delivery_count})
        .first;
  join(placed);
  if (placed != ranges_.begin())
    join(std::prev(placed));
}

void share_batches::cut_below(offset start) {
  split(start.value);
  ranges_.erase(ranges_.begin(), ranges_.lower_bound(start.value));
}

std::vector<share_state_batch> share_batches::list() const {
  std::vector<share_state_batch> batches;
  batches.reserve(ranges_.size());
  for (const auto& [first, r] : ranges_)
    batches.push_back({offset{first}, offset{r.last}, r.state, r.count});
  return batches;
}

void share_batches::split(int64_t at) {
  const auto next = ranges_.lower_bound(at);
  if (next == ranges_.begin())
    return;
  auto& before = std::prev(next)->second;
  if (before.last < at)
    return;
  auto rest = before;
  before.last = at - 1;
  ranges_.emplace_hint(next, at, rest);
}

void share_batches::join(range_map::iterator left) {
  const auto right = std::next(left);
  if (right == ranges_.end() || left->second.last + 1 != right->first
      || !left->second.same_state(right->second))
    return;
  left->second.last = right->second.last;
  ranges_.erase(right);
}

bool is_share_batch(const share_state_batch& batch) {
  return batch.first.value >= 0 && batch.first <= batch.last
         && batch.delivery_count >= 0;
}

} // namespace millrace
