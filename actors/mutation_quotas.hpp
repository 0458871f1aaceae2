#pragma once

// What clients may still change in the metadata (KIP-599), as the controller
// that leads counts it. Forgotten with its leadership: the next one begins
// with full buckets.

#include "cluster/client_quotas.hpp"
#include "cluster/token_bucket.hpp"
#include "schema/kafka/create_partitions.hpp"
#include "schema/kafka/create_topics.hpp"
#include "schema/kafka/delete_topics.hpp"

#include <concepts>
#include <map>
#include <tuple>

namespace millrace {

template <class Request>
concept changes_partitions
  = std::same_as<Request, kafka::create_topics_request>
    || std::same_as<Request, kafka::delete_topics_request>
    || std::same_as<Request, kafka::create_partitions_request>;

/// From which version on clients know THROTTLING_QUOTA_EXCEEDED; the others
/// are let have their way, and then have to wait.
template <changes_partitions Request>
[[nodiscard]] constexpr bool refuses_beyond_quota(int16_t version) {
  if (std::same_as<Request, kafka::create_topics_request>)
    return version >= 6;
  return std::same_as<Request, kafka::delete_topics_request> ? version >= 5
                                                             : version >= 3;
}

class mutation_quotas {
public:
  explicit mutation_quotas(const quota_windows& windows = {})
      : windows_(windows) {}

  /// For one request of `client`, which must end before this object changes.
  [[nodiscard]] mutation_quota of(const client_quotas& quotas,
    const quota_client& client, bool strict, int64_t now_ms);

private:
  using sharer
    = std::tuple<std::optional<std::string>, std::optional<std::string>>;

  quota_windows windows_;
  std::map<sharer, token_bucket> buckets_;
  size_t sweep_at_ = 1'024;
};

} // namespace millrace
