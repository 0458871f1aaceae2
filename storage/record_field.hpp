#pragma once

// The integers of batches and records: big-endian at byte addresses of any
// alignment, and zigzag varints.

#include "schema/big_endian.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace millrace {

/// Precondition of both: sizeof(T) bytes are there.
template <class T>
[[nodiscard]] T load_field(const std::byte* from) {
  T x;
  std::memcpy(&x, from, sizeof x);
  return big_endian(x);
}

template <class T>
void store_field(std::byte* to, T x) {
  x = big_endian(x);
  std::memcpy(to, &x, sizeof x);
}

/// The longest varint: 64 bits, 7 in each byte.
inline constexpr size_t varint_bytes_max = 10;

/// What load_varint() does for more than one byte.
template <class T>
[[nodiscard]] [[gnu::noinline]] const std::byte* load_long_varint(
  const std::byte* from, const std::byte* end, T& value) {
  constexpr unsigned bits = sizeof(T) * 8;
  uint64_t raw = 0;
  for (unsigned shift = 0; shift < bits && from != end; shift += 7) {
    const auto byte = static_cast<uint64_t>(*from++);
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      value = static_cast<T>((raw >> 1) ^ (~(raw & 1) + 1));
      return from;
    }
  }
  return nullptr;
}

/// Reads a zigzag varint in [from, end). Returns what follows it, or nullptr
/// if it is cut or longer than its type allows.
template <class T>
[[nodiscard]] inline const std::byte* load_varint(
  const std::byte* from, const std::byte* end, T& value) {
  if (from != end) [[likely]] {
    const auto byte = static_cast<unsigned>(*from);
    if (byte < 0x80) [[likely]] {
      value = static_cast<T>(
        static_cast<int>(byte >> 1) ^ -static_cast<int>(byte & 1));
      return from + 1;
    }
    if (end - from > 1 && static_cast<unsigned>(from[1]) < 0x80) {
      const unsigned raw = (byte & 0x7f) | static_cast<unsigned>(from[1]) << 7;
      value = static_cast<T>(
        static_cast<int>(raw >> 1) ^ -static_cast<int>(raw & 1));
      return from + 2;
    }
  }
  return load_long_varint(from, end, value);
}

/// Writes a zigzag varint of at most varint_bytes_max bytes; returns the end.
inline std::byte* store_varint(std::byte* to, int64_t value) {
  auto raw
    = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (raw >= 0x80) {
    *to++ = static_cast<std::byte>(raw | 0x80);
    raw >>= 7;
  }
  *to++ = static_cast<std::byte>(raw);
  return to;
}

} // namespace millrace
