#pragma once

// A topic's effective configuration: its own overrides, else what its broker
// is told at run time, else the broker's file, else the default.

#include "cluster/config_node.hpp"
#include "cluster/metadata_image.hpp"
#include "cluster/throttled_replicas.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

/// When an append counts as durable (R8, R9).
enum class durability_mode : uint8_t { fsync, fsync_always, os };

/// All that a partition log and its replica need to know, typed.
struct topic_config {
  int64_t retention_ms = 0;    ///< -1: for ever
  int64_t retention_bytes = 0; ///< -1: without bound
  int32_t segment_bytes = 0;
  int64_t segment_ms = 0;
  int64_t segment_jitter_ms = 0;
  int32_t segment_index_bytes = 0;
  int32_t index_interval_bytes = 0;
  int32_t message_bytes_max = 0;
  bool log_append_time = false; ///< message.timestamp.type
  int64_t timestamp_before_ms_max = 0;
  int64_t timestamp_after_ms_max = 0;
  int32_t min_insync_replicas = 1;
  std::string compression_type; ///< producer, uncompressed, gzip, ...
  int32_t gzip_level = 0;
  int32_t lz4_level = 0;
  int32_t zstd_level = 0;
  bool cleanup_delete = true;
  bool cleanup_compact = false;
  int64_t delete_retention_ms = 0;
  int64_t min_compaction_lag_ms = 0;
  int64_t max_compaction_lag_ms = 0;
  double min_cleanable_dirty_ratio = 0;
  int64_t flush_messages = 0;
  int64_t flush_ms = 0;
  int64_t file_delete_delay_ms = 0;
  bool preallocate = false;
  bool unclean_leader_election = false;
  durability_mode durability = durability_mode::fsync;
  throttled_replicas throttled_leaders;
  throttled_replicas throttled_followers;

  friend bool operator==(const topic_config&, const topic_config&) = default;
};

/// A value with all the places that have one, the winner first.
struct described_config {
  const config_key* key = nullptr;
  std::optional<std::string> value;
  config_source source = config_source::default_value;
  struct synonym {
    std::string name;
    std::optional<std::string> value;
    config_source source;
  };
  std::vector<synonym> synonyms;
};

/// One key of a topic, a group or a subscription to metrics, with its synonyms.
/// @param overrides its own
/// @param source what these are called
[[nodiscard]] described_config describe_config(const config_key& key,
  const config_map& overrides, config_source source,
  const metadata_image& image, const node_config& node);
/// Its value alone.
[[nodiscard]] std::string config_text(const config_key& key,
  const config_map& overrides, const metadata_image& image,
  const node_config& node);
/// One key of broker `node.id`.
[[nodiscard]] described_config describe_broker_config(
  const config_key& key, const metadata_image& image, const node_config& node);

/// The effective configuration of a topic on this broker. A topic that the
/// image does not know has the broker's defaults.
[[nodiscard]] topic_config effective_topic_config(
  const metadata_image& image, const node_config& node, std::string_view topic);
[[nodiscard]] topic_config effective_topic_config(const config_map& overrides,
  const metadata_image& image, const node_config& node);

/// Why a topic cannot have these overrides, as Kafka says it; none if it can.
[[nodiscard]] std::optional<std::string> why_not_topic_configs(
  const config_map& overrides);

} // namespace millrace
