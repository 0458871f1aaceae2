#pragma once

// Which partition of __consumer_offsets owns a group.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace {

/// Java's String.hashCode: over UTF-16 code units. Bytes that are no UTF-8
/// count as U+FFFD each, as Java decodes them.
[[nodiscard]] int32_t java_hash_code(std::string_view utf8);

/// The length of Java's String, in UTF-16 code units.
[[nodiscard]] size_t java_length(std::string_view utf8);

/// The partition of __consumer_offsets that owns `group_id`, as Kafka chooses
/// it: abs(hashCode) % partitions, where abs(-2^31) is 0.
/// Precondition: partitions > 0.
[[nodiscard]] int32_t group_partition(
  std::string_view group_id, int32_t partitions);

} // namespace millrace
