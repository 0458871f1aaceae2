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
