#pragma once

// The states of records behind the start of a share partition (KIP-932), as
// writes lie over one another.

#include "cluster/share_state.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace millrace {

/// Ranges of offsets with gaps between them. No two overlap, and neighbours
/// differ in their state.
class share_batches {
public:
  share_batches() = default;
  explicit share_batches(std::span<const share_state_batch> batches);

  /// Lays a range over what there is; what it does not cover stays.
  /// Precondition: 0 <= first <= last.
  void lay_over(const share_state_batch& batch);
  /// Forgets what is below `start`.
  void cut_below(offset start);
  void clear() {
    ranges_.clear();
  }

  /// In order of offsets.
  [[nodiscard]] std::vector<share_state_batch> list() const;
  [[nodiscard]] size_t size() const {
    return ranges_.size();
  }

  bool operator==(const share_batches&) const = default;

private:
  struct range {
    int64_t last = 0;
    int8_t state = 0;
    int16_t count = 0;

    [[nodiscard]] bool same_state(const range& other) const {
      return state == other.state && count == other.count;
    }
    bool operator==(const range&) const = default;
  };
  using range_map = std::map<int64_t, range>; // by first offset

  /// Makes a range begin at `at` if one goes over it.
  void split(int64_t at);
  void join(range_map::iterator left);

  range_map ranges_;
};

/// Whether a batch could be one of Kafka's: offsets in order, and a delivery
/// count that is none below 0.
[[nodiscard]] bool is_share_batch(const share_state_batch& batch);

} // namespace millrace
