#pragma once

// The checksum of everything that Millrace stores.

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace {

/// CRC-32C (Castagnoli). Continued from `seed`: crc32c(b, crc32c(a)) is that
/// of a and b, one after the other.
[[nodiscard]] uint32_t crc32c(
  std::span<const std::byte> bytes, uint32_t seed = 0);

} // namespace millrace
