#include "cluster/share_window.hpp"

#include "schema/assert.hpp"

#include <iterator>

namespace millrace {

share_window::runs::const_iterator share_window::at_or_after(int64_t at) const {
  auto found = runs_.upper_bound(at);
  if (found != runs_.begin() && std::prev(found)->second.last >= at)
    --found;
  return found;
}

void share_window::cut(int64_t at) {
  const auto next = runs_.lower_bound(at);
  if (next == runs_.begin())
    return;
  auto& before = std::prev(next)->second;
  if (before.last < at)
    return;
  runs_.emplace_hint(next, at, item{before.last, before.run});
  before.last = at - 1;
}

void share_window::merge(int64_t first, int64_t last) {
  auto at = runs_.lower_bound(first);
  if (at != runs_.begin())
    --at;
  while (at != runs_.end()) {
    const auto next = std::next(at);
    if (next == runs_.end() || next->first > last + 1)
      return;
    if (next->first == at->second.last + 1
        && next->second.run == at->second.run) {
      at->second.last = next->second.last;
      runs_.erase(next);
    } else {
      at = next;
    }
  }
}

void share_window::assign(int64_t first, int64_t last, const share_run& run) {
  MILLRACE_ASSERT(first <= last, "a run has a record");
  cut(first);
  cut(last + 1);
  runs_.erase(runs_.lower_bound(first), runs_.upper_bound(last));
  runs_.emplace(first, item{last, run});
  merge(first, last);
}

void share_window::change(int64_t first, int64_t last,
  const std::function<void(share_run& run)>& change) {
  if (first > last)
    return;
  cut(first);
  cut(last + 1);
  const auto end = runs_.upper_bound(last);
  for (auto at = runs_.lower_bound(first); at != end; ++at)
    change(at->second.run);
  merge(first, last);
}

void share_window::change_all(
  const std::function<void(share_run& run)>& change) {
  if (runs_.empty())
    return;
  for (auto& [first, held] : runs_)
    change(held.run);
  merge(runs_.begin()->first, runs_.rbegin()->first);
}

void share_window::erase_if(int64_t first, int64_t last,
  const std::function<bool(const share_run& run)>& what) {
  if (first > last)
    return;
  cut(first);
  cut(last + 1);
  const auto end = runs_.upper_bound(last);
  for (auto at = runs_.lower_bound(first); at != end;)
    at = what(at->second.run) ? runs_.erase(at) : std::next(at);
  merge(first, last);
}

} // namespace millrace
