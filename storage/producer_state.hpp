#pragma once

// What a log remembers of its idempotent producers, so that a batch sent
// twice is in the log once (KIP-98, R13). On disk it is Kafka's `.snapshot`:
// docs/formats/producer-snapshot.md.

#include "schema/kafka_error.hpp"
#include "schema/result.hpp"
#include "schema/types.hpp"
#include "storage/control_batch.hpp"
#include "storage/record_batch.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace millrace {

/// A batch that a producer has appended.
struct producer_batch {
  int32_t base_sequence = -1;
  int32_t last_sequence = -1;
  offset base_offset{-1};
  offset last_offset{-1};
  int64_t timestamp_ms = -1;
};

/// One producer, as DescribeProducers shows it.
struct producer_info {
  producer_id id{-1};
  int16_t epoch = -1;
  int32_t last_sequence = -1;
  int64_t last_timestamp_ms = -1;
  int32_t coordinator_epoch = -1;
  offset transaction_start{-1};
};

/// One producer and its last five batches, the oldest first.
struct producer_entry {
  static constexpr size_t window = 5;

  int16_t epoch = -1;
  uint8_t batch_count = 0;
  std::array<producer_batch, window> batches;
  /// How many sequences up to the newest one are in the log for certain. A
  /// batch before these may never have been appended, though newer ones were.
  int64_t contiguous = 0;
  int64_t last_timestamp_ms = -1;
  int32_t coordinator_epoch = -1;
  offset transaction_start{-1};
  /// By expire(): when it was first seen without anything new; -1: not since
  /// its last batch. Not in snapshots.
  int64_t idle_since_ms = -1;

  void add(const producer_batch& batch);
  [[nodiscard]] const producer_batch* last() const;
};

/// The fields of a batch that concern its producer.
struct sequenced_batch {
  producer_id id{-1};
  int16_t epoch = -1;
  int32_t base_sequence = -1;
  int32_t last_sequence = -1;

  [[nodiscard]] static sequenced_batch of(const batch_view& batch);
};

/// What becomes of a batch: accepted, a duplicate (error none and `original`
/// set, whose base offset is -1 when it left the window), or refused.
struct sequence_verdict {
  kafka_error error = kafka_error::none;
  std::string message;
  std::optional<producer_batch> original;
  bool leaves_gap = false; ///< refused for what should come before it
};

/// The sequence after `sequence`, `n` further: wraps from 2^31-1 to 0 (R13).
[[nodiscard]] int32_t advance_sequence(int32_t sequence, int32_t n);

/// Judges `batch` by what is known of its producer, which may be nothing.
///
/// An unknown producer may start anywhere, unless newcomers begin at 0; a known
/// one must go on without a gap, or at 0 with a higher epoch and after markers.
/// A coordinator's batch has no sequence, only an epoch.
/// INVALID_PRODUCER_EPOCH for a lower one; OUT_OF_ORDER_SEQUENCE_NUMBER for a
/// gap, and for what lies before all that is known: that was never appended;
/// DUPLICATE_SEQUENCE_NUMBER for a batch that was appended but left the window
/// of five. For both of these `original` names the newest batch that is known.
[[nodiscard]] sequence_verdict judge_sequence(const producer_entry* known,
  const sequenced_batch& batch, bool newcomers_begin_at_zero = false);

/// All producers of one log. Pure: the log reads and writes the file.
class producer_state {
public:
  [[nodiscard]] const producer_entry* find(producer_id id) const;

  /// Notes a batch that is in the log. Batches without producer are ignored.
  void apply(const batch_view& batch, offset base);
  /// Notes who wrote the marker that apply() was given.
  void note_coordinator(const end_transaction_marker& marker);
  void replace(producer_id id, const producer_entry& entry);

  /// Drops who has not appended for `expiration_ms`. Timestamps and wall
  /// clocks say nothing about that (R19): who is forgotten too early may
  /// append a batch twice (R13), so that the time between calls counts.
  /// @param now_ms a clock that never jumps, the same at each call
  void expire(int64_t now_ms, int64_t expiration_ms);
  void clear();

  [[nodiscard]] std::vector<producer_info> list() const;
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [id, entry] : producers_)
      visit(id, entry);
  }
  [[nodiscard]] bool empty() const {
    return producers_.empty();
  }

  /// Kafka's snapshot, version 1; ordered by producer id.
  [[nodiscard]] std::string encode() const;
  /// errc::corrupt on a wrong checksum, length or version.
  [[nodiscard]] static result<producer_state> decode(std::string_view bytes);
  /// Becomes what a snapshot holds. False, and unchanged, if it is corrupt.
  [[nodiscard]] bool restore(std::string_view bytes);

private:
  std::unordered_map<producer_id, producer_entry> producers_;
};

} // namespace millrace
