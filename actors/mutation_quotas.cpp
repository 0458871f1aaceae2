#include "actors/mutation_quotas.hpp"

#include <algorithm>

namespace millrace {

mutation_quota mutation_quotas::of(const client_quotas& quotas,
  const quota_client& client, bool strict, int64_t now_ms) {
  const auto limit = quotas.find(controller_mutation_rate, client);
  if (!limit)
    return {};
  if (buckets_.size() >= sweep_at_) {
    for (auto at = buckets_.begin(); at != buckets_.end();)
      at = at->second.is_full(now_ms) ? buckets_.erase(at) : std::next(at);
    sweep_at_ = std::max<size_t>(2 * buckets_.size(), 1'024);
  }
  auto& bucket = buckets_
                   .try_emplace(sharer{limit->user, limit->client_id},
                     limit->rate, windows_, now_ms)
                   .first->second;
  bucket.set_rate(limit->rate, now_ms);
  return {bucket, strict, now_ms};
}

} // namespace millrace
