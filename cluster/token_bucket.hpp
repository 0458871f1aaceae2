#pragma once

// A quota that is saved up: what clients may change in the metadata
// (KIP-599). Tokens come at the quota's rate, up to a bound; whoever has any
// may take more than there are, and then waits until none are owed.

#include "cluster/quota_window.hpp"

#include <cstdint>
#include <optional>

namespace millrace {

class token_bucket {
public:
  /// Full. @param rate tokens a second, above 0
  token_bucket(double rate, const quota_windows& windows, int64_t now_ms);

  /// From now on; what there is stays, within the new bound.
  void set_rate(double rate, int64_t now_ms);
  void take(double tokens, int64_t now_ms);
  /// Until none are owed; 0 if none are.
  [[nodiscard]] int64_t wait_ms(int64_t now_ms);
  /// Forgetting it changes nothing.
  [[nodiscard]] bool is_full(int64_t now_ms);

private:
  [[nodiscard]] double bound() const;
  void refill(int64_t now_ms);

  double rate_;
  quota_windows windows_;
  double tokens_;
  int64_t refilled_ms_;
};

/// What one request may change. Without a bucket: as much as it likes.
class mutation_quota {
public:
  mutation_quota() = default;
  /// @param strict refuse what comes when tokens are owed; else the client
  /// is only told to wait, as one that does not know of refusals is
  mutation_quota(token_bucket& bucket, bool strict, int64_t now_ms)
      : bucket_(&bucket), strict_(strict), now_ms_(now_ms) {}

  /// Takes the tokens of `partitions` that are made or deleted. False: they
  /// are not to be, THROTTLING_QUOTA_EXCEEDED.
  [[nodiscard]] bool take(size_t partitions);
  /// For how long the client is to be quiet.
  [[nodiscard]] int32_t throttle_ms() const {
    return throttle_ms_;
  }

private:
  token_bucket* bucket_ = nullptr;
  bool strict_ = false;
  int64_t now_ms_ = 0;
  int32_t throttle_ms_ = 0;
};

} // namespace millrace
