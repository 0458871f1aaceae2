#include "storage/crc32c.hpp"

#include <isa-l/crc.h>

#include <algorithm>

namespace millrace {

uint32_t crc32c(std::span<const std::byte> bytes, uint32_t seed) {
  // ISA-L takes an int for the length, and leaves both inversions to us.
  uint32_t crc = ~seed;
  while (!bytes.empty()) {
    const auto part = std::min<size_t>(bytes.size(), 1u << 30);
    // It does not write; its signature predates const.
    auto* data
      = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
    crc = crc32_iscsi(data, static_cast<int>(part), crc);
    bytes = bytes.subspan(part);
  }
  return ~crc;
}

} // namespace millrace
