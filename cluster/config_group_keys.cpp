#include "cluster/config_key_table.hpp"

namespace millrace {

namespace {

constexpr config_key key_of(config_scope scope, const char* name,
  config_type type, const char* default_value, const char* broker_key,
  const char* unit, const char* documentation) {
  config_key key{};
  key.name = name;
  key.scope = scope;
  key.type = type;
  key.default_value = default_value;
  key.documentation = documentation;
  key.unit = unit;
  key.broker_key = broker_key;
  key.dynamic = true;
  return key;
}

constexpr config_key group(const char* name, config_type type,
  const char* default_value, const char* broker_key, const char* unit,
  const char* documentation) {
  return key_of(config_scope::group, name, type, default_value, broker_key,
    unit, documentation);
}

constexpr config_key metrics(const char* name, config_type type,
  const char* default_value, const char* unit, const char* documentation) {
  return key_of(config_scope::client_metrics, name, type, default_value,
    nullptr, unit, documentation);
}

using enum config_type;

// By name.
constexpr config_key group_table[] = {
  within(group("consumer.heartbeat.interval.ms", int32, "5000",
           "group.consumer.heartbeat.interval.ms", "ms",
           "How often members of this consumer group are to come."),
    1),
  within(group("consumer.session.timeout.ms", int32, "45000",
           "group.consumer.session.timeout.ms", "ms",
           "After how long of silence a member of this consumer group is out."),
    1),
  group("share.auto.offset.reset", string, "latest", nullptr, nullptr,
    "Where a share group begins in a partition that is new to it: latest, "
    "earliest or by_duration:P1DT2H, so long before now."),
  within(group("share.delivery.count.limit", int32, "5",
           "group.share.delivery.count.limit", "deliveries",
           "How often a record is given out before it is given up."),
    2, 10),
  within(group("share.heartbeat.interval.ms", int32, "5000",
           "group.share.heartbeat.interval.ms", "ms",
           "How often members of this share group are to come."),
    1),
  among(
    group("share.isolation.level", string, "read_uncommitted", nullptr, nullptr,
      "Whether records of transactions that are open, or were aborted, are "
      "given out."),
    "read_committed|read_uncommitted"),
  within(group("share.partition.max.record.locks", int32, "2000",
           "group.share.partition.max.record.locks", "records",
           "How many records of a partition may be in flight."),
    100, 10'000),
  within(group("share.record.lock.duration.ms", int32, "30000",
           "group.share.record.lock.duration.ms", "ms",
           "How long a member may hold a record."),
    1'000, 3'600'000),
  group("share.renew.acknowledge.enable", boolean, "true", nullptr, nullptr,
    "Whether members may hold on to a record (KIP-1222)."),
  within(group("share.session.timeout.ms", int32, "45000",
           "group.share.session.timeout.ms", "ms",
           "After how long of silence a member of this share group is out."),
    1),
};

// By name.
constexpr config_key metrics_table[] = {
  within(metrics("interval.ms", int32, "300000", "ms",
           "How often clients are to push their metrics."),
    100, 3'600'000),
  metrics("match", list, "", nullptr,
    "Which clients: selector=regex of client_id, client_instance_id, "
    "client_software_name, client_software_version, client_source_address or "
    "client_source_port; all that are named must match."),
  metrics("metrics", list, "", nullptr,
    "Prefixes of the names of metrics; * is for all."),
};

} // namespace

std::span<const config_key> group_config_keys() {
  return group_table;
}

std::span<const config_key> client_metrics_config_keys() {
  return metrics_table;
}

} // namespace millrace
