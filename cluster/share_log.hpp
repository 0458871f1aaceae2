#pragma once

// What a share partition has to know of its log: which offsets hold records
// that somebody may be given (KIP-932, share.isolation.level).

#include "schema/types.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

/// The header of one batch in a log.
struct share_batch_header {
  offset first;
  offset last; ///< inclusive
  producer_id producer{-1};
  bool transactional = false;
  bool control = false;
  /// The marker of an abort: its producer's next batch is another
  /// transaction's.
  bool ends_aborted = false;
};

/// An aborted transaction of which a batch may follow.
struct share_aborted {
  producer_id producer;
  offset first;
};

/// One batch of the log, and whether it is for nobody.
struct share_log_batch {
  offset first;
  offset last; ///< inclusive
  bool gone = false;

  bool operator==(const share_log_batch&) const = default;
};

/// Markers are for nobody, and neither is what an aborted transaction has
/// written.
/// @param headers in the order of the log
/// @param aborted in any order; empty where uncommitted records are given, too
[[nodiscard]] std::vector<share_log_batch> share_log_batches(
  std::span<const share_batch_header> headers,
  std::vector<share_aborted> aborted);

} // namespace millrace
