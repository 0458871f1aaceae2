#pragma once

// One table of every configuration key that Millrace honours: its name
// (Kafka's own wherever there is one), where it may be set, its type, its
// default, what values it takes, and a line of documentation. What is not in
// the table is refused by name; what Kafka knows and Millrace does not do yet
// is in the table as such, and refused with a sentence.

#include "schema/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Types of values; the numbers are those of DescribeConfigs v3+ (KIP-569).
enum class config_type : int8_t {
  unknown = 0,
  boolean = 1,
  string = 2,
  int32 = 3,
  int16 = 4,
  int64 = 5,
  real = 6,
  list = 7,
  password = 9,
};

/// Where a value came from; the numbers are those of DescribeConfigs v1+.
enum class config_source : int8_t {
  unknown = 0,
  dynamic_topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_value = 5,
  client_metrics = 7,
  group = 8,
};

enum class config_scope : uint8_t { topic, broker, group, client_metrics };

/// One line of the table.
struct config_key {
  const char* name;
  config_scope scope;
  config_type type;
  const char* default_value; ///< null: none
  const char* documentation; ///< one line, in our own words
  int64_t min = INT64_MIN;   ///< numbers only
  int64_t max = INT64_MAX;
  const char* choices = nullptr; ///< allowed words, separated by `|`
  const char* unit = nullptr;    ///< `ms`, `bytes`, ...; documentation only
  /// Keys of topics and groups: the broker key that gives the default for all
  /// of them.
  const char* broker_key = nullptr;
  bool dynamic = false;        ///< broker keys: may be set while it runs
  bool supported = true;       ///< false: known to Kafka, refused here for now
  bool sensitive = false;      ///< never shown
  bool names_replicas = false; ///< a list of them (see throttled_replicas)
  /// Broker keys: where the value comes from when nobody has set this one,
  /// in other units: its value times `fallback_factor`.
  const char* fallback_key = nullptr;
  int64_t fallback_factor = 1;
};

/// The table's lines of one scope, ordered by name.
[[nodiscard]] std::span<const config_key> config_keys(config_scope scope);

/// The tables themselves.
[[nodiscard]] std::span<const config_key> topic_config_keys();
[[nodiscard]] std::span<const config_key> broker_config_keys();
[[nodiscard]] std::span<const config_key> group_config_keys();
[[nodiscard]] std::span<const config_key> client_metrics_config_keys();

/// The line of `name`, or null.
[[nodiscard]] const config_key* find_config_key(
  config_scope scope, std::string_view name);

/// The known name with the smallest edit distance to `name`.
[[nodiscard]] const char* nearest_config_key(
  config_scope scope, std::string_view name);

/// Whether `value` may be given to `key`. Says why not as Kafka does:
/// `Invalid value x for configuration retention.ms: Not a number of type LONG`.
/// Errors: invalid_argument, unsupported.
[[nodiscard]] result<void> check_config_value(
  const config_key& key, std::string_view value);

/// Kafka's parsers: numbers and words are trimmed, booleans are true or false
/// in any case. Precondition: check_config_value() accepts the value.
[[nodiscard]] int64_t parse_config_integer(std::string_view value);
[[nodiscard]] bool parse_config_boolean(std::string_view value);
[[nodiscard]] double parse_config_real(std::string_view value);
/// Comma-separated, trimmed, without empty members.
[[nodiscard]] std::vector<std::string> parse_config_list(
  std::string_view value);

/// The one sentence for a key that is not in the table; names the nearest.
[[nodiscard]] std::string unknown_config_key(
  config_scope scope, std::string_view name);

} // namespace millrace
