#pragma once

// The settings of one log: what a topic's configuration comes to.

#include <cstddef>
#include <cstdint>
#include <optional>

namespace millrace {

/// The codecs of a record batch, by their numbers in its attributes.
enum class compression_codec : int8_t {
  none = 0,
  gzip = 1,
  snappy = 2,
  lz4 = 3,
  zstd = 4,
};

/// How hard each codec tries, as `compression.<codec>.level` says.
struct compression_levels {
  int32_t gzip = -1; ///< 1 to 9; -1: zlib's own default
  int32_t lz4 = 9;   ///< 1 to 17; 9 is the quick way, as in Kafka
  int32_t zstd = 3;  ///< -131072 to 22

  friend bool operator==(const compression_levels&, const compression_levels&)
    = default;
};

/// Who writes the timestamps of records (`message.timestamp.type`).
enum class timestamp_type : int8_t {
  create_time = 0,
  log_append_time = 1,
};

/// Defaults are Kafka's. Times in milliseconds, sizes in bytes, -1 = no limit.
struct log_config {
  int64_t segment_bytes = int64_t{1} << 30;
  int64_t segment_ms = int64_t{7} * 24 * 3600 * 1000;
  /// Each segment ends so much earlier at most, so that many logs do not
  /// begin new ones at once.
  int64_t segment_jitter_ms = 0;
  int64_t segment_index_bytes = 10 << 20;
  int64_t index_interval_bytes = 4096;
  bool preallocate = false;

  int64_t retention_ms = int64_t{7} * 24 * 3600 * 1000;
  int64_t retention_bytes = -1;
  int64_t file_delete_delay_ms = 60000;

  int64_t max_message_bytes = 1048588;
  /// How far the decompressed records of one batch may go.
  size_t decompressed_bytes_max = size_t{128} << 20;
  /// nullopt keeps the producer's codec (`compression.type=producer`).
  std::optional<compression_codec> compression;
  compression_levels levels;
  /// Of each key only the newest value has to stay (`cleanup.policy` holds
  /// `compact`); records without key are refused.
  bool compacted = false;
  /// How long a tombstone can be read once compaction has met it.
  int64_t delete_retention_ms = 86400000;
  /// Records that are younger stay as they are.
  int64_t min_compaction_lag_ms = 0;
  /// Older ones are compacted however few there are.
  int64_t max_compaction_lag_ms = INT64_MAX;
  /// The share of what is not compacted yet from which on it is worth while.
  double min_cleanable_dirty_ratio = 0.5;

  timestamp_type timestamps = timestamp_type::create_time;
  int64_t timestamp_before_max_ms = INT64_MAX;
  int64_t timestamp_after_max_ms = int64_t{3600} * 1000;

  int64_t producer_id_expiration_ms = 86400000;

  friend bool operator==(const log_config&, const log_config&) = default;
};

} // namespace millrace
