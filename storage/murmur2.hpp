#pragma once

// The hash by which Kafka's clients choose the partition of a key.

#include <cstdint>
#include <string_view>

namespace millrace {

/// MurmurHash2, 32 bits, with the seed that Kafka's clients use. The
/// partition is (hash & 0x7fffffff) % partitions.
[[nodiscard]] int32_t murmur2(std::string_view key);

} // namespace millrace
