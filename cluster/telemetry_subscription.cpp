#include "cluster/telemetry_subscription.hpp"

#include "cluster/config_keys.hpp"
#include "cluster/topic_regex.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace millrace {

namespace {

constexpr std::string_view metrics_key = "metrics";
constexpr std::string_view interval_key = "interval.ms";
constexpr std::string_view match_key = "match";
constexpr std::string_view selectors[]
  = {"client_id", "client_instance_id", "client_software_name",
    "client_software_version", "client_source_address", "client_source_port"};

std::string value_for(
  std::string_view selector, const telemetry_client& client) {
  if (selector == "client_id")
    return client.client_id;
  if (selector == "client_instance_id")
    return to_string(client.instance_id);
  if (selector == "client_software_name")
    return client.software_name;
  if (selector == "client_software_version")
    return client.software_version;
  if (selector == "client_source_address")
    return client.address;
  return std::to_string(client.port);
}

std::optional<int32_t> interval_of(std::string_view text) {
  int32_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, value);
  if (failed != std::errc{} || at != end
      || value < telemetry_subscription::interval_ms_min
      || value > telemetry_subscription::interval_ms_max)
    return {};
  return value;
}

/// `selector=regex`, trimmed; an empty selector where there is none.
std::pair<std::string, std::string> split_match(const std::string& part) {
  const auto at = part.find('=');
  if (at == std::string::npos)
    return {};
  const auto trim = [](std::string text) {
    const auto first = text.find_first_not_of(" \t");
    const auto last = text.find_last_not_of(" \t");
    return first == std::string::npos ? std::string{}
                                      : text.substr(first, last - first + 1);
  };
  return {trim(part.substr(0, at)), trim(part.substr(at + 1))};
}

std::string fault_of_match(const std::string& text) {
  for (const auto& part : parse_config_list(text)) {
    const auto [selector, pattern] = split_match(part);
    if (std::ranges::count(selectors, std::string_view{selector}) == 0)
      return "Illegal client matching pattern: " + part;
    if (const auto fault = fault_of_regex(pattern); !fault.empty())
      return "Illegal client matching pattern: " + part + ": " + fault;
  }
  return {};
}

/// FNV-1a, 32 bits: a number to compare.
class short_hash {
public:
  void add(std::string_view text) {
    for (const auto byte : text)
      mix(static_cast<uint8_t>(byte));
    mix(0);
  }
  int32_t value() const {
    return static_cast<int32_t>(hash_);
  }

private:
  void mix(uint8_t byte) {
    hash_ = (hash_ ^ byte) * 0x01000193;
  }
  uint32_t hash_ = 0x811c9dc5;
};

} // namespace

std::string fault_of_telemetry(const telemetry_config& config) {
  for (const auto& [key, value] : config) {
    if (key == match_key) {
      if (auto fault = fault_of_match(value); !fault.empty())
        return fault;
    } else if (key == interval_key) {
      if (!interval_of(value))
        return "Invalid value " + value + " for interval.ms, interval must be "
               + "between 100 and 3600000 (1 hour)";
    } else if (key != metrics_key) {
      return "Unknown client metrics configuration: " + key;
    }
  }
  return {};
}

telemetry_subscription::telemetry_subscription(const telemetry_config& config) {
  for (const auto& [key, value] : config) {
    if (key == metrics_key)
      metrics_ = parse_config_list(value);
    else if (key == interval_key)
      interval_ms_ = interval_of(value).value_or(interval_ms_default);
    else if (key == match_key)
      for (const auto& part : parse_config_list(value)) {
        auto [selector, pattern] = split_match(part);
        match_.emplace_back(
          std::move(selector), std::make_shared<const re2::RE2>(pattern));
      }
  }
  for (auto& prefix : metrics_)
    if (prefix == "*")
      prefix.clear();
}

bool telemetry_subscription::is_for(const telemetry_client& client) const {
  return std::ranges::all_of(match_, [&](const auto& m) {
    return re2::RE2::FullMatch(value_for(m.first, client), *m.second);
  });
}

telemetry_request request_for(const telemetry_client& client,
  const std::map<std::string, telemetry_subscription>& all) {
  telemetry_request request;
  std::set<std::string> metrics;
  std::optional<int32_t> interval_ms;
  for (const auto& [name, s] : all) {
    if (!s.is_for(client))
      continue;
    metrics.insert(s.metrics().begin(), s.metrics().end());
    interval_ms
      = std::min(interval_ms.value_or(s.interval_ms()), s.interval_ms());
  }
  if (metrics.contains(""))
    metrics = {""};
  request.metrics.assign(metrics.begin(), metrics.end());
  request.interval_ms = interval_ms.value_or(request.interval_ms);
  short_hash hash;
  hash.add(to_string(client.instance_id));
  for (const auto& prefix : request.metrics)
    hash.add(prefix);
  hash.add(std::to_string(request.interval_ms));
  request.id = hash.value();
  return request;
}

} // namespace millrace
