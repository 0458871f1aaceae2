#include "cluster/share_log.hpp"

#include <algorithm>

namespace millrace {

std::vector<share_log_batch> share_log_batches(
  std::span<const share_batch_header> headers,
  std::span<const share_aborted> aborted) {
  const auto is_aborted = [&](const share_batch_header& header) {
    return std::any_of(aborted.begin(), aborted.end(), [&](const auto& one) {
      return one.producer == header.producer && one.first <= header.first
             && header.first <= one.marker;
    });
  };
  std::vector<share_log_batch> batches;
  batches.reserve(headers.size());
  for (const auto& header : headers)
    batches.push_back({header.first, header.last,
      header.control || (header.transactional && is_aborted(header))});
  return batches;
}

} // namespace millrace
