#include "cluster/group_overrides.hpp"

#include "cluster/config_keys.hpp"

namespace millrace {

namespace {

using override_map = std::map<std::string, std::string, std::less<>>;

void take(int32_t& value, const override_map& overrides, std::string_view key) {
  if (const auto it = overrides.find(key); it != overrides.end())
    value = static_cast<int32_t>(parse_config_integer(it->second));
}

} // namespace

consumer_group_config overridden(
  consumer_group_config config, const override_map& overrides) {
  take(config.session_timeout_ms, overrides, "consumer.session.timeout.ms");
  take(
    config.heartbeat_interval_ms, overrides, "consumer.heartbeat.interval.ms");
  return config;
}

share_group_config overridden(
  share_group_config config, const override_map& overrides) {
  take(config.session_timeout_ms, overrides, "share.session.timeout.ms");
  take(config.heartbeat_interval_ms, overrides, "share.heartbeat.interval.ms");
  return config;
}

} // namespace millrace
