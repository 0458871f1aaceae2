#pragma once

// What stays of a batch when a log is compacted: of each key the newest value,
// of each transaction that was aborted nothing, of each producer its last
// batch, if only the header. Kafka's rules (KIP-58, KIP-98, KIP-534).
//
// A batch keeps its offsets, its epoch and its producer's sequences, whatever
// goes. One that holds a tombstone, or a marker of a transaction of which
// nothing is left, gets a delete horizon: `delete.retention.ms` after the pass
// that found it, it may go.

#include "storage/offset_map.hpp"
#include "storage/open_transactions.hpp"
#include "storage/producer_state.hpp"
#include "storage/record_spans.hpp"

#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace millrace {

/// Which batches were written in transactions that were aborted since.
class aborted_spans {
public:
  void add(const ended_transaction& aborted);
  [[nodiscard]] bool hold(const batch_view& batch) const;

private:
  struct span {
    offset first;
    offset marker;
  };
  /// By marker: one producer's transactions follow one another.
  std::unordered_map<producer_id, std::vector<span>> of_;
};

/// Of a producer that is still known: the offset that its last batch ends
/// with, or the epoch of the marker that is all that is known of it.
struct last_of_producer {
  offset last_offset{-1};
  int16_t epoch = -1;
};

/// What one pass over a log goes by.
struct filter_rules {
  /// What ends below it is gone.
  offset log_start{0};
  /// What begins there or above stays as it is: the map does not know it.
  offset end{0};
  int64_t now_ms = 0;
  int64_t delete_retention_ms = 86400000;
  compression_levels levels;
  size_t unfolded_bytes_max = size_t{128} << 20;
  std::unordered_map<producer_id, last_of_producer> producers;
  aborted_spans aborted;
};

class batch_filter {
public:
  enum class fate : uint8_t { whole, replaced, dropped };

  struct verdict {
    fate what = fate::whole;
    /// If replaced: what stands there now, until the next call.
    std::span<const std::byte> bytes;
  };

  /// `newest` holds the newest offset of every key below `rules.end` that is
  /// in what has not been compacted yet. Both must outlive this.
  batch_filter(const filter_rules& rules, const offset_map& newest)
      : rules_(rules), newest_(newest), spans_(rules.unfolded_bytes_max) {}

  /// Tells what stays. Call it for each batch of the log, from its start, in
  /// order. Precondition: the batch is whole, and its checksum right.
  /// Errors: corrupt or too_large, if its records cannot be read.
  result<verdict> judge(const batch_view& batch);

  /// Whether the batch stays at least without its records, so that it is known
  /// what its producer has written (R13). The header is enough.
  [[nodiscard]] bool is_last_of_producer(const batch_view& batch) const;

private:
  verdict without_records(const batch_view& batch);
  result<verdict> judge_marker(const batch_view& batch);
  result<verdict> judge_records(const batch_view& batch);
  result<verdict> rewrite(const batch_view& batch, bool set_horizon);

  const filter_rules& rules_;
  const offset_map& newest_;
  record_spans spans_;
  /// Producers of which a batch of a transaction has come without its marker.
  std::unordered_set<producer_id> begun_;
  std::vector<key_hash> hashes_;
  std::vector<uint32_t> kept_;
  std::vector<std::byte> body_;
  std::vector<std::byte> made_;
};

/// An empty batch over [first, last]: it keeps the place of what is gone, so
/// that offsets go on without a gap, which is how a batch in the wrong place
/// is told. 61 bytes, without producer and timestamps.
/// Precondition: it is not longer than 2^31 offsets.
[[nodiscard]] std::vector<std::byte> make_filler(
  offset first, offset last, leader_epoch epoch);
/// Whether it is such a batch, or one of Kafka's that says as little.
[[nodiscard]] bool is_filler(const batch_view& batch);

} // namespace millrace
