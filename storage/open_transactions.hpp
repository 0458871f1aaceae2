#pragma once

// Which transactions of a log are open, or have ended where not every replica
// has it yet: up to where read_committed may read (KIP-98).

#include "schema/types.hpp"
#include "storage/producer_state.hpp"
#include "storage/record_batch.hpp"

#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace millrace {

/// A transaction in one log, from its first batch to its marker.
struct ended_transaction {
  producer_id producer{-1};
  offset first{-1};
  offset marker{-1};
  /// Where the first one begins that had no marker yet; behind this one's
  /// marker if there was none. What ends later cannot begin before that.
  offset last_stable{-1};

  bool operator==(const ended_transaction&) const = default;
};

/// Pure: the log tells of every batch in order, by its header.
///
/// After a restart it begins with what a producer snapshot says is open. What
/// had ended before the snapshot is taken for replicated: begin with one that
/// is not above the high watermark.
class open_transactions {
public:
  /// Becomes what `producers` say is open.
  void restore(const producer_state& producers);
  void clear();

  /// Notes a batch that is in the log. The transaction that it ends, if it is
  /// a marker and one was open.
  std::optional<ended_transaction> apply(const batch_view& batch, offset base);

  /// All below `high_watermark` is on every replica that counts: markers
  /// there are there to stay.
  void advance(offset high_watermark);

  /// The first offset whose fate is open: of a transaction without a marker,
  /// or with one at or above the high watermark that advance() was told last.
  [[nodiscard]] std::optional<offset> first_unstable() const;
  /// Up to where (exclusive) read_committed may read.
  [[nodiscard]] offset last_stable(offset high_watermark) const;
  /// Without a marker so far.
  [[nodiscard]] size_t open_count() const {
    return first_of_.size();
  }

private:
  std::unordered_map<producer_id, offset> first_of_;
  std::set<offset> open_;              // the same, in order
  std::map<offset, offset> undecided_; // ended: by first offset, the marker's
};

} // namespace millrace
