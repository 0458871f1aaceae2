#include "cluster/config_key_table.hpp"
#include "cluster/config_unused_keys.hpp"

#include <algorithm>
#include <array>

namespace millrace {

namespace {

constexpr const char* same_as_topic
  = "The default of the topics' configuration of this meaning.";
constexpr const char* without_effect
  = "Taken so that Kafka's files can be used; has no effect here.";

constexpr config_key broker(const char* name, config_type type,
  const char* default_value, const char* documentation,
  const char* unit = nullptr) {
  config_key key{};
  key.name = name;
  key.scope = config_scope::broker;
  key.type = type;
  key.default_value = default_value;
  key.documentation = documentation;
  key.unit = unit;
  return key;
}

/// The default of a topic's key: may change while the broker runs.
constexpr config_key topics(const char* name, config_type type,
  const char* default_value, int64_t min = INT64_MIN, int64_t max = INT64_MAX) {
  auto key = broker(name, type, default_value, same_as_topic);
  key.min = min;
  key.max = max;
  key.dynamic = true;
  return key;
}

constexpr config_key dynamic(config_key key) {
  key.dynamic = true;
  return key;
}

constexpr config_key falls_back(
  config_key key, const char* to, int64_t factor = 1) {
  key.fallback_key = to;
  key.fallback_factor = factor;
  return key;
}

/// May change while the broker runs, as it is there for as long as something
/// is moved.
constexpr config_key throttle(const char* name, const char* documentation) {
  auto key = within(broker(name, config_type::int64, "9223372036854775807",
                      documentation, "bytes/s"),
    0);
  key.dynamic = true;
  return key;
}

/// A day of windows is more than anyone needs, and fits everywhere.
constexpr config_key quota_windows(const char* name, const char* default_value,
  const char* documentation, const char* unit) {
  return within(
    broker(name, config_type::int32, default_value, documentation, unit), 1,
    86'400);
}

constexpr config_key unsupported(const char* name, config_type type) {
  auto key = broker(name, type, nullptr, refused_for_now);
  key.supported = false;
  return key;
}

using enum config_type;

constexpr config_key used[] = {
  broker("advertised.listeners", list, nullptr,
    "Where clients are told to connect; unset: the address they used."),
  broker("auto.create.topics.enable", boolean, "true",
    "Whether a topic is created when a client first names it."),
  among(broker("auto.rebalance", string, "plan",
          "When nodes have come or gone, or one stays hot: plan says what "
          "would be moved, apply moves it."),
    "off|plan|apply"),
  within(
    broker("auto.rebalance.delay.ms", int64, "60000",
      "So long they have stayed the same by then, or it has stayed hot.", "ms"),
    0),
  within(broker("broker.heartbeat.interval.ms", int32, "200",
           "How often a broker tells the controller that it lives.", "ms"),
    10),
  broker("broker.id", int32, nullptr, "Another name of node.id."),
  broker("broker.rack", string, nullptr,
    "The rack or zone; replicas are spread over them."),
  within(broker("broker.session.timeout.ms", int32, "1000",
           "A broker not heard of for so long is shut out.", "ms"),
    100),
  topics("compression.gzip.level", int32, "-1", -1, 9),
  topics("compression.lz4.level", int32, "9", 1, 17),
  among(topics("compression.type", string, "producer"),
    "uncompressed|zstd|lz4|snappy|gzip|producer"),
  topics("compression.zstd.level", int32, "3", -131072, 22),
  within(broker("connections.max.idle.ms", int64, "600000",
           "A connection without traffic is closed after this long.", "ms"),
    -1),
  broker("controller.listener.names", list, "",
    "Listeners by these names are not opened: one node needs none."),
  broker("controller.quorum.bootstrap.servers", list, "",
    "Taken if it names one controller: this node."),
  within(
    broker("controller.quorum.election.timeout.ms", int32, "250",
      "Silence of the controller after which another one is elected.", "ms"),
    50),
  broker("controller.quorum.voters", list, "",
    "The controllers, ID@HOST:PORT of their cluster listeners."),
  quota_windows("controller.quota.window.num", "11",
    "How many windows of time a quota of metadata changes is saved up for.",
    "windows"),
  quota_windows("controller.quota.window.size.seconds", "1",
    "How long each of these windows is.", "s"),
  within(broker("default.replication.factor", int32, "1",
           "Replicas of a topic that does not say how many."),
    1, INT16_MAX),
  broker("delete.topic.enable", boolean, "true",
    "Whether topics can be deleted at all."),
  within(broker("fetch.max.bytes", int32, "57671680",
           "The most that one fetch is answered with.", "bytes"),
    1024),
  throttle("follower.replication.throttled.rate",
    "Bytes a second that this broker copies, of replicas that their topics "
    "throttle, while they are not in sync."),
  within(broker("group.consumer.assignment.interval.ms", int32, "1000",
           "The least time between two assignments of such a group.", "ms"),
    0),
  broker("group.consumer.assignors", list, "uniform,range",
    "What assigns groups of the consumer protocol; the first where members "
    "name none."),
  within(broker("group.consumer.heartbeat.interval.ms", int32, "5000",
           "How often members of such a group are to come.", "ms"),
    1),
  within(broker("group.consumer.max.size", int32, "2147483647",
           "The most members that such a group may have.", "members"),
    1),
  among(broker("group.consumer.migration.policy", string, "bidirectional",
          "Whether a group with members may go over to the consumer protocol, "
          "and back."),
    "disabled|upgrade|downgrade|bidirectional"),
  within(broker("group.consumer.session.timeout.ms", int32, "45000",
           "After how long of silence a member of such a group is out.", "ms"),
    1),
  within(broker("group.initial.rebalance.delay.ms", int32, "3000",
           "How long an empty group waits for more members.", "ms"),
    0),
  within(broker("group.max.session.timeout.ms", int32, "1800000",
           "The longest session that a member may ask for.", "ms"),
    1),
  within(broker("group.max.size", int32, "2147483647",
           "The most members that a group may have.", "members"),
    1),
  within(broker("group.min.session.timeout.ms", int32, "6000",
           "The shortest session that a member may ask for.", "ms"),
    1),
  within(broker("group.share.assignment.interval.ms", int32, "1000",
           "The least time between two assignments of a share group.", "ms"),
    0),
  within(
    broker("group.share.delivery.count.limit", int32, "5",
      "How often a record is given out before it is given up.", "deliveries"),
    2, 10),
  within(broker("group.share.heartbeat.interval.ms", int32, "5000",
           "How often members of a share group are to come.", "ms"),
    1),
  within(broker("group.share.max.size", int32, "200",
           "The most members that a share group may have.", "members"),
    1, 1000),
  within(
    broker("group.share.partition.max.record.locks", int32, "2000",
      "How many records of a share partition may be in flight.", "records"),
    100, 10'000),
  within(broker("group.share.record.lock.duration.ms", int32, "30000",
           "How long a member of a share group may hold a record.", "ms"),
    1'000, 3'600'000),
  within(broker("group.share.session.timeout.ms", int32, "45000",
           "After how long of silence a member of a share group is out.", "ms"),
    1),
  throttle("leader.replication.throttled.rate",
    "Bytes a second that this broker sends, of partitions that their topics "
    "throttle, to replicas that are not in sync."),
  broker("listener.security.protocol.map", string,
    "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,"
    "SASL_SSL:SASL_SSL",
    "Which protocol each listener speaks; PLAINTEXT so far."),
  broker("listeners", list, "PLAINTEXT://127.0.0.1:9092,PLAINTEXT://[::1]:9092",
    "Where Kafka's clients are listened for."),
  within(broker("log.cleaner.backoff.ms", int64, "15000",
           "How often logs are looked at that may have to be compacted.", "ms"),
    0),
  dynamic(
    within(broker("log.cleaner.dedupe.buffer.size", int64, "134217728",
             "Memory for the keys of the logs that are compacted.", "bytes"),
      1 << 20)),
  topics("log.cleaner.delete.retention.ms", int64, "86400000", 0),
  broker("log.cleaner.enable", boolean, "true",
    "Whether this broker compacts logs; without that, compacted topics grow."),
  dynamic(within(broker("log.cleaner.io.buffer.size", int32, "524288",
                   "Read at once by compaction.", "bytes"),
    4096)),
  dynamic(
    within(broker("log.cleaner.io.max.bytes.per.second", real,
             "1.7976931348623157E308",
             "What compaction reads and writes in a second, at most.", "bytes"),
      1)),
  topics("log.cleaner.max.compaction.lag.ms", int64, "9223372036854775807", 1),
  topics("log.cleaner.min.cleanable.ratio", real, "0.5", 0, 1),
  topics("log.cleaner.min.compaction.lag.ms", int64, "0", 0),
  within(broker("log.cleaner.threads", int32, "1",
           "How many logs are compacted at once."),
    0, 64),
  among(topics("log.cleanup.policy", list, "delete"), "compact|delete"),
  broker("log.dir", string, "./data", "Another name of log.dirs."),
  broker("log.dirs", list, nullptr,
    "The directories that hold the data, the first one the node's own files "
    "too; unset: log.dir."),
  topics("log.flush.interval.messages", int64, "9223372036854775807", 1),
  falls_back(topics("log.flush.interval.ms", int64, nullptr, 0),
    "log.flush.scheduler.interval.ms"),
  within(broker("log.flush.scheduler.interval.ms", int64, "9223372036854775807",
           "The default of log.flush.interval.ms.", "ms"),
    1),
  topics("log.index.interval.bytes", int32, "4096", 0),
  topics("log.index.size.max.bytes", int32, "10485760", 4),
  topics("log.message.timestamp.after.max.ms", int64, "3600000", 0),
  topics(
    "log.message.timestamp.before.max.ms", int64, "9223372036854775807", 0),
  among(topics("log.message.timestamp.type", string, "CreateTime"),
    "CreateTime|LogAppendTime"),
  topics("log.preallocate", boolean, "false"),
  topics("log.retention.bytes", int64, "-1"),
  within(broker("log.retention.check.interval.ms", int64, "300000",
           "How often retention looks at each log.", "ms"),
    1),
  broker("log.retention.hours", int32, "168",
    "The default of log.retention.minutes.", "hours"),
  falls_back(broker("log.retention.minutes", int32, nullptr,
               "The default of log.retention.ms.", "minutes"),
    "log.retention.hours", 60),
  falls_back(topics("log.retention.ms", int64, nullptr, -1),
    "log.retention.minutes", 60'000),
  within(broker("log.roll.hours", int32, "168", "The default of log.roll.ms.",
           "hours"),
    1),
  within(broker("log.roll.jitter.hours", int32, "0",
           "The default of log.roll.jitter.ms.", "hours"),
    0),
  falls_back(topics("log.roll.jitter.ms", int64, nullptr, 0),
    "log.roll.jitter.hours", 3'600'000),
  falls_back(
    topics("log.roll.ms", int64, nullptr, 1), "log.roll.hours", 3'600'000),
  topics("log.segment.bytes", int32, "1073741824", 1048576),
  topics("log.segment.delete.delay.ms", int64, "60000", 0),
  within(broker("max.connections", int32, "2147483647",
           "The most connections that are kept open at once.", "connections"),
    0),
  within(broker("max.incremental.fetch.session.cache.slots", int32, "1000",
           "The most fetch sessions that are remembered.", "sessions"),
    0),
  within(broker("max.request.partition.size.limit", int32, "2000",
           "The most partitions that DescribeTopicPartitions answers with.",
           "partitions"),
    1),
  topics("message.max.bytes", int32, "1048588", 0),
  broker("millrace.cluster.advertised.listener", string, nullptr,
    "Where the other nodes connect to; unset: the cluster listener."),
  within(broker("millrace.cluster.id", string, nullptr,
           "The new cluster's id; unset: a random one."),
    0),
  broker("millrace.cluster.listener", string, nullptr,
    "HOST:PORT where the other nodes are listened for; unset: nowhere."),
  broker("millrace.cluster.plaintext", boolean, "false",
    "Without TLS between nodes beyond this machine: anyone who reaches the "
    "cluster listener may then pass for a node."),
  broker("millrace.cluster.ssl.ca.location", string, nullptr,
    "PEM file of the authority that signs the nodes' certificates."),
  broker("millrace.cluster.ssl.certificate.location", string, nullptr,
    "PEM file of this node's certificate, which names it node-N."),
  broker("millrace.cluster.ssl.key.location", string, nullptr,
    "PEM file of the key of this node's certificate."),
  within(broker("millrace.dirty.bytes.max", int64, "268435456",
           "So much of all logs may wait to be synced before producers wait.",
           "bytes"),
    1 << 20),
  within(
    broker("millrace.disk.threads", int32, "0",
      "Threads that sync and read files; 0: as suits the machine.", "threads"),
    0, 256),
  among(
    topics("millrace.durability", string, "fsync"), "fsync|fsync-always|os"),
  within(broker("millrace.gateways", int32, "0",
           "Event loops that serve connections; 0: as suits the machine.",
           "threads"),
    0, 256),
  broker("millrace.http.listeners", list, "127.0.0.1:8080",
    "Where health and metrics are answered; empty: nowhere."),
  within(broker("millrace.lazy.flush.bytes", int64, "16777216",
           "Appends that nobody waits for are synced at this size.", "bytes"),
    0),
  within(broker("millrace.lazy.flush.ms", int64, "50",
           "Appends that nobody waits for are synced after this long.", "ms"),
    0),
  within(broker("millrace.offsets.trim.records", int64, "100000",
           "A custom actor's log begins anew with so many old records in it.",
           "records"),
    1),
  topics("min.insync.replicas", int32, "1", 1),
  within(broker("node.id", int32, "0", "The number of this node."), 0),
  within(broker("num.partitions", int32, "1",
           "Partitions of a topic that does not say how many.", "partitions"),
    1),
  within(broker("offset.metadata.max.bytes", int32, "4096",
           "The longest text that may be committed with an offset.", "bytes"),
    0),
  within(broker("offsets.retention.check.interval.ms", int64, "600000",
           "How often committed offsets are looked over.", "ms"),
    1),
  within(broker("offsets.retention.minutes", int32, "10080",
           "How long offsets of a group without members are kept.", "minutes"),
    1),
  within(
    broker("offsets.topic.num.partitions", int32, "50",
      "Partitions of __consumer_offsets; fixed once it exists.", "partitions"),
    1),
  within(broker("offsets.topic.replication.factor", int16, "1",
           "Replicas of __consumer_offsets.", "replicas"),
    1),
  within(broker("offsets.topic.segment.bytes", int32, "104857600",
           "Size of the segments of __consumer_offsets.", "bytes"),
    1048576),
  among(broker("process.roles", list, "broker,controller",
          "This node is both, or one node would not be a cluster."),
    "broker|controller"),
  within(broker("producer.id.expiration.ms", int32, "86400000",
           "A producer not heard of for so long is forgotten.", "ms"),
    1),
  within(broker("queued.max.request.bytes", int64, "-1",
           "Bytes of requests in work on this node; -1: as suits the machine.",
           "bytes"),
    -1),
  quota_windows("quota.window.num", "11",
    "Over how many windows of time the use of quotas is measured.", "windows"),
  quota_windows(
    "quota.window.size.seconds", "1", "How long each of them is.", "s"),
  dynamic(within(
    broker("replica.alter.log.dirs.io.max.bytes.per.second", int64,
      "9223372036854775807",
      "How fast logs are copied into one log directory from another.", "bytes"),
    1)),
  within(broker("replica.fetch.max.bytes", int32, "1048576",
           "The most of one partition that a follower takes at once.", "bytes"),
    0),
  within(broker("replica.fetch.wait.max.ms", int32, "500",
           "How long a follower's fetch waits for data.", "ms"),
    1),
  within(broker("replica.lag.time.max.ms", int64, "1000",
           "A follower that lags for so long is not in sync any more.", "ms"),
    10),
  broker("replica.selector.class", string, nullptr,
    "rack-aware, or Kafka's RackAwareReplicaSelector: consumers read from a "
    "follower in their rack; unset: from leaders."),
  unsupported("sasl.enabled.mechanisms", list),
  unsupported("sasl.mechanism.inter.broker.protocol", string),
  unsupported("security.inter.broker.protocol", string),
  within(
    broker("share.coordinator.snapshot.update.records.per.snapshot", int32,
      "500", "Updates of a share partition between two snapshots.", "records"),
    1, 500),
  within(broker("share.coordinator.state.topic.min.isr", int16, "1",
           "Replicas of __share_group_state that must be in sync.", "replicas"),
    1),
  within(
    broker("share.coordinator.state.topic.num.partitions", int32, "50",
      "Partitions of __share_group_state; fixed once it exists.", "partitions"),
    1),
  within(broker("share.coordinator.state.topic.replication.factor", int16, "1",
           "Replicas of __share_group_state.", "replicas"),
    1),
  within(
    broker("share.coordinator.state.topic.segment.bytes", int32, "104857600",
      "Size of the segments of __share_group_state.", "bytes"),
    1048576),
  within(broker("socket.request.max.bytes", int32, "104857600",
           "The longest request that is read.", "bytes"),
    1),
  unsupported("ssl.client.auth", string),
  unsupported("ssl.keystore.location", string),
  unsupported("ssl.truststore.location", string),
  within(
    broker("telemetry.max.bytes", int32, "1048576",
      "The most bytes of metrics that a client may push at once.", "bytes"),
    1),
  within(broker("transaction.max.timeout.ms", int32, "900000",
           "The longest time-out that a transaction may ask for.", "ms"),
    1),
  within(
    broker("transaction.remove.expired.transaction.cleanup.interval.ms", int32,
      "3600000", "How often transactional ids are looked over.", "ms"),
    1),
  within(broker("transaction.state.log.min.isr", int32, "1",
           "Replicas of __transaction_state that must be in sync.", "replicas"),
    1),
  within(
    broker("transaction.state.log.num.partitions", int32, "50",
      "Partitions of __transaction_state; fixed once it exists.", "partitions"),
    1),
  within(broker("transaction.state.log.replication.factor", int16, "1",
           "Replicas of __transaction_state.", "replicas"),
    1),
  within(broker("transaction.state.log.segment.bytes", int32, "104857600",
           "Size of the segments of __transaction_state.", "bytes"),
    1048576),
  within(broker("transactional.id.expiration.ms", int32, "604800000",
           "A transactional id not used for so long is forgotten.", "ms"),
    1),
  topics("unclean.leader.election.enable", boolean, "false"),
};

/// All of them, by name.
constexpr auto table = [] {
  std::array<config_key, std::size(used) + unused_broker_keys.size()> all{};
  auto next = std::ranges::copy(used, all.begin()).out;
  for (const auto& key : unused_broker_keys)
    *next++ = broker(key.name, key.type, key.default_value, without_effect);
  std::ranges::sort(all, {}, [](const config_key& key) {
    return std::string_view{key.name};
  });
  return all;
}();

} // namespace

std::span<const config_key> broker_config_keys() {
  return table;
}

} // namespace millrace
