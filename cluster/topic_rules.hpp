#pragma once

// What a topic may be called.

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

inline constexpr size_t topic_name_bytes_max = 249;

/// Why `name` cannot name a topic, as Kafka says it; none if it can.
[[nodiscard]] std::optional<std::string> why_not_topic_name(
  std::string_view name);

/// The name as metrics show it: `.` and `_` look alike (rules C9).
[[nodiscard]] std::string metric_name_of(std::string_view topic);

} // namespace millrace
