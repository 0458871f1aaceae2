#include "actors/partition_config.hpp"

namespace millrace {

namespace {

std::optional<compression_codec> codec_of(const std::string& name) {
  if (name == "gzip")
    return compression_codec::gzip;
  if (name == "snappy")
    return compression_codec::snappy;
  if (name == "lz4")
    return compression_codec::lz4;
  if (name == "zstd")
    return compression_codec::zstd;
  if (name == "uncompressed")
    return compression_codec::none;
  return std::nullopt; // producer: as it comes
}

} // namespace

partition_settings partition_settings_of(
  const topic_config& topic, const node_config& node, int32_t index) {
  using durability = partition_settings::durability;
  partition_settings s;
  s.log = {.segment_bytes = topic.segment_bytes,
    // So that what is too old to wait is in a segment that can be compacted.
    .segment_ms = topic.cleanup_compact
                    ? std::min(topic.segment_ms, topic.max_compaction_lag_ms)
                    : topic.segment_ms,
    .segment_jitter_ms = topic.segment_jitter_ms,
    .segment_index_bytes = topic.segment_index_bytes,
    .index_interval_bytes = topic.index_interval_bytes,
    .preallocate = topic.preallocate,
    .retention_ms = topic.cleanup_delete ? topic.retention_ms : -1,
    .retention_bytes = topic.cleanup_delete ? topic.retention_bytes : -1,
    .file_delete_delay_ms = topic.file_delete_delay_ms,
    .max_message_bytes = topic.message_bytes_max,
    .compression = codec_of(topic.compression_type),
    .levels = {topic.gzip_level, topic.lz4_level, topic.zstd_level},
    .compacted = topic.cleanup_compact,
    .delete_retention_ms = topic.delete_retention_ms,
    .min_compaction_lag_ms = topic.min_compaction_lag_ms,
    .max_compaction_lag_ms = topic.max_compaction_lag_ms,
    .min_cleanable_dirty_ratio = topic.min_cleanable_dirty_ratio,
    .timestamps = topic.log_append_time ? timestamp_type::log_append_time
                                        : timestamp_type::create_time,
    .timestamp_before_max_ms = topic.timestamp_before_ms_max,
    .timestamp_after_max_ms = topic.timestamp_after_ms_max,
    .producer_id_expiration_ms = node.producer_id_expiration_ms};
  switch (topic.durability) {
  case durability_mode::fsync:
    s.survives = durability::fsync;
    break;
  case durability_mode::fsync_always:
    s.survives = durability::fsync_always;
    break;
  case durability_mode::os:
    s.survives = durability::os;
    break;
  }
  s.flush_messages = topic.flush_messages;
  s.flush_ms = topic.flush_ms;
  s.min_insync_replicas = topic.min_insync_replicas;
  s.lazy_sync_ms = node.lazy_flush_ms;
  s.lazy_sync_bytes = node.lazy_flush_bytes;
  s.replica_lag_ms_max = node.replica_lag_ms_max;
  s.replica_fetch_bytes_max = node.replica_fetch_bytes_max;
  s.throttled_leading = topic.throttled_leaders.contains(index, node.id);
  s.throttled_following = topic.throttled_followers.contains(index, node.id);
  return s;
}

group_config group_config_of(const node_config& node) {
  return {.session_timeout_ms_min = node.group_min_session_timeout_ms,
    .session_timeout_ms_max = node.group_max_session_timeout_ms,
    .initial_rebalance_delay_ms = node.group_initial_rebalance_delay_ms,
    .size_max = node.group_max_size,
    .offset_metadata_max = static_cast<size_t>(node.offset_metadata_bytes_max),
    .offsets_retention_ms = node.offsets_retention_ms,
    .offsets_retention_check_interval_ms
    = node.offsets_retention_check_interval_ms,
    .consumer = {.session_timeout_ms = node.group_consumer_session_timeout_ms,
      .heartbeat_interval_ms = node.group_consumer_heartbeat_interval_ms,
      .assignment_interval_ms = node.group_consumer_assignment_interval_ms,
      .size_max = node.group_consumer_max_size,
      .migration = node.group_consumer_migration,
      .assignors = node.group_consumer_assignors},
    .share = {.session_timeout_ms = node.group_share_session_timeout_ms,
      .heartbeat_interval_ms = node.group_share_heartbeat_interval_ms,
      .assignment_interval_ms = node.group_share_assignment_interval_ms,
      .size_max = node.group_share_max_size}};
}

transaction_config transaction_config_of(const node_config& node) {
  return {.timeout_ms_max = node.transaction_timeout_ms_max,
    .id_expiration_ms = node.transactional_id_expiration_ms,
    .expiry_check_interval_ms = node.transactional_id_check_interval_ms};
}

} // namespace millrace
