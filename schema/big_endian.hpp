#pragma once

// The byte order of Kafka's protocol and of its logs.

#include <bit>
#include <cstdint>

namespace millrace {

/// An integer of this machine as one of the wire, and the other way round.
template <class T>
T big_endian(T x) {
  static_assert(std::endian::native == std::endian::little);
  if constexpr (sizeof(T) == 1)
    return x;
  else if constexpr (sizeof(T) == 2)
    return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(x)));
  else if constexpr (sizeof(T) == 4)
    return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(x)));
  else
    return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(x)));
}

} // namespace millrace
