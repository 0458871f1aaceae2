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
};

/// An aborted transaction of which there may be a batch.
struct share_aborted {
  producer_id producer{-1};
  offset first;
  offset marker;
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
  std::span<const share_aborted> aborted);

} // namespace millrace
