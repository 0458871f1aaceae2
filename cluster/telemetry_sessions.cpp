#include "cluster/telemetry_sessions.hpp"

#include <algorithm>

namespace millrace {

namespace {

// Kafka's numbers, in the order in which clients should prefer them.
constexpr int8_t compressions[] = {4, 3, 1, 2}; // zstd, lz4, gzip, snappy

} // namespace

void telemetry_sessions::set_subscriptions(
  std::map<std::string, telemetry_config> configs) {
  subscriptions_.clear();
  for (const auto& [name, config] : configs)
    subscriptions_.emplace(name, telemetry_subscription{config});
  ++version_;
}

telemetry_sessions::session& telemetry_sessions::find(
  const telemetry_client& client) {
  auto [it, is_new] = sessions_.try_emplace(client.instance_id);
  auto& s = it->second;
  if (is_new)
    s.used = by_use_.insert(by_use_.end(), client.instance_id);
  else
    by_use_.splice(by_use_.end(), by_use_, s.used);
  if (sessions_.size() > clients_max) {
    sessions_.erase(by_use_.front());
    by_use_.pop_front();
  }
  if (s.version != version_) {
    const auto before = s.request.id;
    s.request = request_for(client, subscriptions_);
    s.version = version_;
    // What is asked for has changed, and it may hear of that at once.
    if (s.request.id != before)
      s.has_asked = s.has_pushed = false;
  }
  return s;
}

kafka::get_telemetry_subscriptions_response telemetry_sessions::ask(
  const telemetry_client& client, int32_t bytes_max, int64_t now_ms) {
  auto& s = find(client);
  kafka::get_telemetry_subscriptions_response answer;
  const auto last_ms = std::max(s.has_asked ? s.asked_ms : INT64_MIN,
    s.has_pushed ? s.pushed_ms : INT64_MIN);
  const bool early
    = (s.has_asked || s.has_pushed) && now_ms - last_ms < s.request.interval_ms;
  if (early && !s.may_ask_again) {
    answer.error_code
      = static_cast<int16_t>(kafka_error::throttling_quota_exceeded);
    return answer;
  }
  if (!early) {
    s.asked_ms = now_ms;
    s.has_asked = true;
  }
  s.may_ask_again = false;
  answer.client_instance_id = client.instance_id;
  answer.subscription_id = s.request.id;
  answer.accepted_compression_types.assign(
    std::begin(compressions), std::end(compressions));
  answer.push_interval_ms = s.request.interval_ms;
  answer.telemetry_max_bytes = bytes_max;
  answer.delta_temporality = true;
  answer.requested_metrics = s.request.metrics;
  return answer;
}

kafka_error telemetry_sessions::push(const telemetry_client& client,
  const kafka::push_telemetry_request& request, int32_t bytes_max,
  int64_t now_ms) {
  if (client.instance_id.is_zero())
    return kafka_error::invalid_request;
  auto& s = find(client);
  const auto error = judge(s, request, bytes_max, now_ms);
  s.may_ask_again = error == kafka_error::unknown_subscription_id
                    || error == kafka_error::unsupported_compression_type;
  if (error == kafka_error::none)
    s.terminating = request.terminating;
  return error;
}

int32_t telemetry_sessions::interval_ms(const telemetry_client& client) const {
  const auto it = sessions_.find(client.instance_id);
  return it == sessions_.end() ? telemetry_subscription::interval_ms_default
                               : it->second.request.interval_ms;
}

kafka_error telemetry_sessions::judge(session& s,
  const kafka::push_telemetry_request& request, int32_t bytes_max,
  int64_t now_ms) {
  if (s.terminating)
    return kafka_error::invalid_request;
  // The first push after it has asked may come at any time.
  const bool first = !s.has_pushed || (s.has_asked && s.asked_ms > s.pushed_ms);
  const bool in_time = first || now_ms - s.pushed_ms >= s.request.interval_ms;
  if (in_time) {
    s.pushed_ms = now_ms;
    s.has_pushed = true;
  } else if (!request.terminating) {
    return kafka_error::throttling_quota_exceeded;
  }
  if (request.subscription_id != s.request.id)
    return kafka_error::unknown_subscription_id;
  if (request.compression_type != 0
      && std::ranges::count(compressions, request.compression_type) == 0)
    return kafka_error::unsupported_compression_type;
  if (request.metrics.size() > static_cast<size_t>(bytes_max))
    return kafka_error::telemetry_too_large;
  return kafka_error::none;
}

} // namespace millrace
