#include "storage/murmur2.hpp"

#include <cstddef>

namespace millrace {

int32_t murmur2(std::string_view key) {
  constexpr uint32_t seed = 0x9747b28c;
  constexpr uint32_t mix = 0x5bd1e995;
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(key[i]));
  };
  auto hash = seed ^ static_cast<uint32_t>(key.size());
  size_t i = 0;
  for (; i + 4 <= key.size(); i += 4) {
    auto k = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    k *= mix;
    k ^= k >> 24;
    k *= mix;
    hash = (hash * mix) ^ k;
  }
  const auto rest = key.size() - i;
  if (rest > 0) {
    for (size_t b = rest; b-- > 0;)
      hash ^= byte(i + b) << (8 * b);
    hash *= mix;
  }
  hash ^= hash >> 13;
  hash *= mix;
  hash ^= hash >> 15;
  return static_cast<int32_t>(hash);
}

} // namespace millrace
