#pragma once

// Keys of Kafka's brokers that files and tools have, and that say how Kafka is
// built inside: its threads, its buffers, the pauses of its own tasks.

#include "cluster/config_keys.hpp"

#include <array>

namespace millrace {

/// A key that is taken, checked for its type, and has no effect.
struct unused_config_key {
  const char* name;
  config_type type;
  const char* default_value;
};

inline constexpr auto unused_broker_keys = [] {
  using enum config_type;
  return std::to_array<unused_config_key>({
    {"add.partitions.to.txn.retry.backoff.max.ms", int32, "100"},
    {"add.partitions.to.txn.retry.backoff.ms", int32, "20"},
    {"alter.log.dirs.replication.quota.window.num", int32, "11"},
    {"alter.log.dirs.replication.quota.window.size.seconds", int32, "1"},
    {"auto.leader.rebalance.enable", boolean, "true"},
    {"background.threads", int32, "10"},
    {"controlled.shutdown.enable", boolean, "true"},
    {"controller.performance.always.log.threshold.ms", int64, "2000"},
    {"controller.performance.sample.period.ms", int64, "60000"},
    {"controller.quorum.append.linger.ms", int32, "25"},
    {"controller.quorum.election.backoff.max.ms", int32, "1000"},
    {"controller.quorum.fetch.max.bytes", int32, "1048576"},
    {"controller.quorum.fetch.snapshot.max.bytes", int32, "1048576"},
    {"controller.quorum.fetch.timeout.ms", int32, "2000"},
    {"controller.quorum.request.timeout.ms", int32, "2000"},
    {"controller.quorum.retry.backoff.ms", int32, "20"},
    {"controller.socket.timeout.ms", int32, "30000"},
    {"delete.records.purgatory.purge.interval.requests", int32, "1"},
    {"fetch.purgatory.purge.interval.requests", int32, "1000"},
    {"group.coordinator.append.linger.ms", int32, "-1"},
    {"group.coordinator.background.threads", int32, "2"},
    {"group.coordinator.cached.buffer.max.bytes", int32, "1048588"},
    {"group.coordinator.threads", int32, "4"},
    {"initial.broker.registration.timeout.ms", int32, "60000"},
    {"inter.broker.listener.name", string, nullptr},
    {"kafka.metrics.polling.interval.secs", int32, "10"},
    {"leader.imbalance.check.interval.seconds", int64, "300"},
    {"log.cleaner.io.buffer.load.factor", real, "0.9"},
    {"log.dir.failure.timeout.ms", int64, "30000"},
    {"log.flush.offset.checkpoint.interval.ms", int32, "60000"},
    {"log.flush.start.offset.checkpoint.interval.ms", int32, "60000"},
    {"log.initial.task.delay.ms", int64, "30000"},
    {"metadata.log.max.record.bytes.between.snapshots", int64, "20971520"},
    {"metadata.log.max.snapshot.interval.ms", int64, "3600000"},
    {"metadata.log.segment.bytes", int32, "1073741824"},
    {"metadata.log.segment.ms", int64, "604800000"},
    {"metadata.max.idle.interval.ms", int32, "500"},
    {"metadata.max.retention.bytes", int64, "104857600"},
    {"metadata.max.retention.ms", int64, "604800000"},
    {"metrics.num.samples", int32, "2"},
    {"metrics.recording.level", string, "INFO"},
    {"metrics.sample.window.ms", int64, "30000"},
    {"num.io.threads", int32, "8"},
    {"num.network.threads", int32, "3"},
    {"num.recovery.threads.per.data.dir", int32, "2"},
    {"num.replica.alter.log.dirs.threads", int32, nullptr},
    {"num.replica.fetchers", int32, "1"},
    {"offsets.commit.timeout.ms", int32, "5000"},
    {"offsets.load.buffer.size", int32, "5242880"},
    {"producer.id.expiration.check.interval.ms", int32, "600000"},
    {"producer.purgatory.purge.interval.requests", int32, "1000"},
    {"queued.max.requests", int32, "500"},
    {"replica.fetch.backoff.ms", int32, "1000"},
    {"replica.fetch.min.bytes", int32, "1"},
    {"replica.fetch.response.max.bytes", int32, "10485760"},
    {"replica.high.watermark.checkpoint.interval.ms", int64, "5000"},
    {"replica.socket.receive.buffer.bytes", int32, "65536"},
    {"replica.socket.timeout.ms", int32, "30000"},
    {"replication.quota.window.num", int32, "11"},
    {"replication.quota.window.size.seconds", int32, "1"},
    {"request.timeout.ms", int32, "30000"},
    {"server.max.startup.time.ms", int64, "9223372036854775807"},
    {"share.coordinator.append.linger.ms", int32, "-1"},
    {"share.coordinator.cached.buffer.max.bytes", int32, "1048588"},
    {"share.coordinator.load.buffer.size", int32, "5242880"},
    {"share.coordinator.threads", int32, "1"},
    {"share.coordinator.write.timeout.ms", int32, "5000"},
    {"share.fetch.purgatory.purge.interval.requests", int32, "1000"},
    {"socket.connection.setup.timeout.max.ms", int64, "30000"},
    {"socket.connection.setup.timeout.ms", int64, "10000"},
    {"socket.listen.backlog.size", int32, "50"},
    {"socket.receive.buffer.bytes", int32, "102400"},
    {"socket.send.buffer.bytes", int32, "102400"},
    {"transaction.abort.timed.out.transaction.cleanup.interval.ms", int32,
      "10000"},
    {"transaction.state.log.load.buffer.size", int32, "5242880"},
    {"unclean.leader.election.interval.ms", int64, "300000"},
  });
}();

} // namespace millrace
