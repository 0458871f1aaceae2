#pragma once

// At which offset each leader epoch of a log began (KIP-101): how a replica
// finds where its log and the leader's part. On disk it is Kafka's
// `leader-epoch-checkpoint`; the authority is the batches' headers (R11).

#include "schema/result.hpp"
#include "schema/types.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

struct epoch_start {
  leader_epoch epoch;
  offset start;

  friend bool operator==(const epoch_start&, const epoch_start&) = default;
};

/// Where an epoch ended; no_leader_epoch and offset -1 when unknown.
struct epoch_end {
  leader_epoch epoch{-1};
  offset end{-1};

  friend bool operator==(const epoch_end&, const epoch_end&) = default;
};

/// Epochs and starts both rise. Pure: the log reads and writes the file.
class epoch_cache {
public:
  /// Notes that a batch of `epoch` begins at `start`. Entries that begin there
  /// or later go, and those of a higher epoch: they were never committed. An
  /// epoch that began earlier keeps its beginning.
  /// Returns whether anything changed.
  bool assign(leader_epoch epoch, offset start);

  /// Forgets what starts at `end` or later.
  void truncate_to(offset end);
  /// Lets no entry start before `start`, but keeps the one that holds it.
  void advance_start(offset start);
  void clear();

  /// The largest epoch known that is not above `wanted`, and the offset
  /// where the next one begins, `log_end` for the newest (KIP-279).
  [[nodiscard]] epoch_end end_offset_for(
    leader_epoch wanted, offset log_end) const;
  [[nodiscard]] leader_epoch last_epoch() const;
  /// The epoch of the record at `at`; none before the first entry.
  [[nodiscard]] leader_epoch epoch_at(offset at) const;

  [[nodiscard]] const std::vector<epoch_start>& entries() const {
    return entries_;
  }

  /// Kafka's form: `0`, the count, then `epoch start` a line.
  [[nodiscard]] std::string encode() const;
  /// errc::corrupt names the line.
  [[nodiscard]] static result<epoch_cache> decode(std::string_view text);

private:
  std::vector<epoch_start> entries_;
};

} // namespace millrace
