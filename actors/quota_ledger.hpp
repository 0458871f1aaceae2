#pragma once

// What clients have used of their quotas on this node. All gateways of a node
// write and read the same buckets, without a lock: only who meets a quota for
// the first time asks the ledger for its bucket.

#include "cluster/client_quotas.hpp"
#include "cluster/quota_window.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

namespace millrace {

/// What those have used who share one quota, by windows of time.
class quota_bucket {
public:
  explicit quota_bucket(const quota_windows& windows);

  /// May be called from any thread, with times that differ a little. More
  /// than 2^36 in one window counts as so much.
  void add(int64_t amount, int64_t now_ms);
  /// As it would be with `more` added.
  [[nodiscard]] quota_usage usage(int64_t now_ms, int64_t more = 0) const;

  [[nodiscard]] const quota_windows& windows() const {
    return windows_;
  }

private:
  quota_windows windows_;
  /// One for each window that may count, by its number: the number's last
  /// bits above, the amount below, so that one exchange changes both.
  std::vector<std::atomic<uint64_t>> slots_;
};

/// A quota that a client is held to. Without a bucket: none.
struct held_quota {
  double rate = 0; ///< a second
  std::shared_ptr<quota_bucket> bucket;

  explicit operator bool() const {
    return bucket != nullptr;
  }
  /// How long to wait if `more` is used now; 0: not at all.
  [[nodiscard]] int64_t wait_ms(int64_t now_ms, int64_t more = 0) const {
    return throttle_ms_of(bucket->usage(now_ms, more), rate);
  }
};

/// The quotas of one client, for as long as nobody changes any.
struct quota_account {
  std::shared_ptr<const client_quotas> looked_up_in;
  quota_client client;
  held_quota produced; ///< bytes
  held_quota fetched;  ///< bytes
  held_quota work;     ///< work_unit_ns of threads
};

/// One request, as its client's quotas see it.
struct metered_request {
  std::shared_ptr<const quota_account> account; ///< null: it has none
  size_t bytes = 0;                             ///< of the request
  int64_t work = 0; ///< in units of work_unit_ns, not charged yet
};

/// Request time is counted in these; a percent of a thread is so many of
/// them a second.
inline constexpr int64_t work_unit_ns = 100;
inline constexpr double work_units_a_percent = 1e9 / 100 / work_unit_ns;

class quota_ledger {
public:
  explicit quota_ledger(const quota_windows& windows) : windows_(windows) {}

  /// May be called from any thread.
  [[nodiscard]] std::shared_ptr<const quota_account> open(
    std::shared_ptr<const client_quotas> quotas, quota_client client,
    int64_t now_ms);
  /// The connection_creation_rate of an address.
  [[nodiscard]] held_quota connections(
    const client_quotas& quotas, const std::string& ip, int64_t now_ms);

  /// Buckets that are kept.
  [[nodiscard]] size_t size() const;

private:
  using bucket_name = std::tuple<std::string, std::optional<std::string>,
    std::optional<std::string>>;

  std::shared_ptr<quota_bucket> bucket(bucket_name name, int64_t now_ms);
  void sweep(int64_t now_ms);

  quota_windows windows_;
  mutable std::mutex mutex_;
  std::map<bucket_name, std::shared_ptr<quota_bucket>> buckets_;
  size_t sweep_at_ = 1'024;
};

} // namespace millrace
