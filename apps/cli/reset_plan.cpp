#include "apps/cli/reset_plan.hpp"

#include "apps/client/group_member.hpp"
#include "apps/client/positions.hpp"

#include <algorithm>

namespace millrace::cli {

using offsets = std::map<topic_partition, int64_t>;

int64_t clamp_offset(int64_t wanted, int64_t start, int64_t end) {
  return std::max(start, std::min(wanted, end));
}

result<offsets> resolve_offsets(client::cluster& nodes,
  const std::vector<topic_partition>& partitions, const offset_spec& at) {
  using kind = offset_spec::kind;
  auto starts
    = client::find_offsets(nodes, partitions, client::earliest_timestamp);
  if (!starts || at.at == kind::beginning || at.at == kind::stored)
    return starts;
  auto ends = client::find_offsets(nodes, partitions, client::latest_timestamp);
  if (!ends || at.at == kind::end)
    return ends;
  offsets found;
  if (at.at == kind::timestamp) {
    auto timed = client::find_offsets(nodes, partitions, at.value);
    if (!timed)
      return timed.error();
    found = std::move(*timed);
  }
  for (const auto& tp : partitions) {
    const int64_t end = ends->at(tp);
    int64_t wanted = at.value;
    if (at.at == kind::from_end)
      wanted = end - at.value;
    // Nothing as new as that was written yet: wait for what comes.
    if (at.at == kind::timestamp)
      wanted = found[tp] < 0 ? end : found[tp];
    found[tp] = clamp_offset(wanted, starts->at(tp), end);
  }
  return found;
}

result<offsets> plan_reset(client::cluster& nodes, const std::string& group,
  const std::vector<topic_partition>& partitions, const offset_spec& at,
  int64_t shift_by) {
  auto plan = resolve_offsets(nodes, partitions, at);
  if (!plan || at.at != offset_spec::kind::stored)
    return plan;
  auto committed = client::fetch_committed(nodes, group, partitions);
  if (!committed)
    return committed.error();
  auto ends = client::find_offsets(nodes, partitions, client::latest_timestamp);
  if (!ends)
    return ends.error();
  for (auto& [tp, offset] : *plan)
    if (const auto own = committed->find(tp); own != committed->end())
      offset = clamp_offset(own->second + shift_by, offset, ends->at(tp));
  return plan;
}

} // namespace millrace::cli
