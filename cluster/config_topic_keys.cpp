#include "cluster/config_key_table.hpp"

namespace millrace {

namespace {

constexpr config_key topic(const char* name, config_type type,
  const char* default_value, const char* broker_key, const char* unit,
  const char* documentation) {
  config_key key{};
  key.name = name;
  key.scope = config_scope::topic;
  key.type = type;
  key.default_value = default_value;
  key.documentation = documentation;
  key.unit = unit;
  key.broker_key = broker_key;
  key.dynamic = true;
  return key;
}

constexpr config_key unsupported(
  const char* name, config_type type, const char* default_value) {
  auto key
    = topic(name, type, default_value, nullptr, nullptr, refused_for_now);
  key.supported = false;
  return key;
}

using enum config_type;

// By name.
constexpr config_key table[] = {
  among(topic("cleanup.policy", list, "delete", "log.cleanup.policy", nullptr,
          "What becomes of old segments: delete removes them by time and size, "
          "compact keeps the newest value of each key."),
    "compact|delete"),
  within(topic("compression.gzip.level", int32, "-1", "compression.gzip.level",
           nullptr, "Level for re-coding with gzip, 1 to 9; -1 is its own."),
    -1, 9),
  within(topic("compression.lz4.level", int32, "9", "compression.lz4.level",
           nullptr, "Level for re-coding with lz4."),
    1, 17),
  among(
    topic("compression.type", string, "producer", "compression.type", nullptr,
      "The codec that batches are stored in; producer keeps each as sent."),
    "uncompressed|zstd|lz4|snappy|gzip|producer"),
  within(topic("compression.zstd.level", int32, "3", "compression.zstd.level",
           nullptr, "Level for re-coding with zstd."),
    -131072, 22),
  within(topic("delete.retention.ms", int64, "86400000",
           "log.cleaner.delete.retention.ms", "ms",
           "How long a tombstone can be read once compaction has met it."),
    0),
  within(
    topic("file.delete.delay.ms", int64, "60000", "log.segment.delete.delay.ms",
      "ms", "How long a deleted segment's file stays, for fetches under way."),
    0),
  within(topic("flush.messages", int64, "9223372036854775807",
           "log.flush.interval.messages", "records",
           "Sync to disk at the latest after this many records."),
    1),
  within(
    topic("flush.ms", int64, "9223372036854775807", "log.flush.interval.ms",
      "ms", "Sync to disk at the latest this long after an append."),
    0),
  replicas(
    topic("follower.replication.throttled.replicas", list, "", nullptr, nullptr,
      "PARTITION:BROKER,... or *: they copy no faster than "
      "follower.replication.throttled.rate while they are not in sync.")),
  within(
    topic("index.interval.bytes", int32, "4096", "log.index.interval.bytes",
      "bytes", "About how far entries of the offset index lie apart."),
    0),
  replicas(topic("leader.replication.throttled.replicas", list, "", nullptr,
    nullptr,
    "PARTITION:BROKER,... or *: they send to those not in sync no faster than "
    "leader.replication.throttled.rate.")),
  unsupported("local.retention.bytes", int64, "-2"),
  unsupported("local.retention.ms", int64, "-2"),
  within(topic("max.compaction.lag.ms", int64, "9223372036854775807",
           "log.cleaner.max.compaction.lag.ms", "ms",
           "Older records are compacted however few they are."),
    1),
  within(topic("max.message.bytes", int32, "1048588", "message.max.bytes",
           "bytes", "The biggest batch that is taken, as stored."),
    0),
  within(topic("message.timestamp.after.max.ms", int64, "3600000",
           "log.message.timestamp.after.max.ms", "ms",
           "How far a record's timestamp may lie ahead of the broker's clock."),
    0),
  within(topic("message.timestamp.before.max.ms", int64, "9223372036854775807",
           "log.message.timestamp.before.max.ms", "ms",
           "How far a record's timestamp may lie behind the broker's clock."),
    0),
  among(topic("message.timestamp.type", string, "CreateTime",
          "log.message.timestamp.type", nullptr,
          "Whose time records carry: the producer's or that of the append."),
    "CreateTime|LogAppendTime"),
  among(topic("millrace.durability", string, "fsync", "millrace.durability",
          nullptr,
          "What an answer waits for. fsync: acks=all is on disk before it is "
          "answered; fsync-always: acks=1 too; os: the page cache is enough."),
    "fsync|fsync-always|os"),
  within(topic("min.cleanable.dirty.ratio", real, "0.5",
           "log.cleaner.min.cleanable.ratio", nullptr,
           "A log is compacted when more of it than this share is not."),
    0, 1),
  within(topic("min.compaction.lag.ms", int64, "0",
           "log.cleaner.min.compaction.lag.ms", "ms",
           "Younger records are left alone by compaction."),
    0),
  within(topic("min.insync.replicas", int32, "1", "min.insync.replicas",
           "replicas", "Fewer in sync, and nothing more is acknowledged."),
    1),
  topic("preallocate", boolean, "false", "log.preallocate", nullptr,
    "Whether a new segment reserves its space on disk."),
  unsupported("remote.log.copy.disable", boolean, "false"),
  unsupported("remote.log.delete.on.disable", boolean, "false"),
  unsupported("remote.storage.enable", boolean, "false"),
  topic("retention.bytes", int64, "-1", "log.retention.bytes", "bytes",
    "The oldest segments go while a partition is bigger; -1: no bound."),
  within(topic("retention.ms", int64, "604800000", "log.retention.ms", "ms",
           "Segments go when all their records are older; -1: never."),
    -1),
  within(topic("segment.bytes", int32, "1073741824", "log.segment.bytes",
           "bytes", "A segment that would grow bigger is closed."),
    1048576),
  within(
    topic("segment.index.bytes", int32, "10485760", "log.index.size.max.bytes",
      "bytes", "A segment whose index would grow bigger is closed."),
    4),
  within(topic("segment.jitter.ms", int64, "0", "log.roll.jitter.ms", "ms",
           "Up to how much earlier than segment.ms a segment is closed."),
    0),
  within(topic("segment.ms", int64, "604800000", "log.roll.ms", "ms",
           "A segment that is older is closed."),
    1),
  topic("unclean.leader.election.enable", boolean, "false",
    "unclean.leader.election.enable", nullptr,
    "Whether a replica that lacks acknowledged records may lead."),
};

} // namespace

std::span<const config_key> topic_config_keys() {
  return table;
}

} // namespace millrace
