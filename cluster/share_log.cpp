#include "cluster/share_log.hpp"

#include <algorithm>
#include <set>

namespace millrace {

std::vector<share_log_batch> share_log_batches(
  std::span<const share_batch_header> headers,
  std::vector<share_aborted> aborted) {
  std::sort(aborted.begin(), aborted.end(), [](const auto& a, const auto& b) {
    return a.first < b.first;
  });
  auto next = aborted.begin();
  std::set<producer_id> aborting;
  std::vector<share_log_batch> batches;
  batches.reserve(headers.size());
  for (const auto& header : headers) {
    for (; next != aborted.end() && next->first <= header.last; ++next)
      aborting.insert(next->producer);
    const bool dropped
      = header.transactional && aborting.contains(header.producer);
    batches.push_back({header.first, header.last, header.control || dropped});
    if (header.ends_aborted)
      aborting.erase(header.producer);
  }
  return batches;
}

} // namespace millrace
