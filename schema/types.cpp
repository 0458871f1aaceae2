#include "schema/types.hpp"

#include <array>

namespace millrace {

namespace {

constexpr std::string_view alphabet
  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

} // namespace

std::string to_string(const uuid& id) {
  // 128 bits, 6 at a time from the top; the last character carries 2 bits
  // and 4 zero bits.
  std::string out(22, 'A');
  for (int i = 0; i < 22; ++i) {
    unsigned bits = 0;
    for (int b = 0; b < 6; ++b) {
      const int at = i * 6 + b;
      uint64_t bit = 0;
      if (at < 64)
        bit = (id.high >> (63 - at)) & 1u;
      else if (at < 128)
        bit = (id.low >> (127 - at)) & 1u;
      bits = (bits << 1) | static_cast<unsigned>(bit);
    }
    out[static_cast<size_t>(i)] = alphabet[bits];
  }
  return out;
}

bool parse_uuid(std::string_view text, uuid& id) {
  if (text.size() != 22)
    return false;
  uuid parsed;
  for (size_t i = 0; i < 22; ++i) {
    const auto bits = alphabet.find(text[i]);
    if (bits == std::string_view::npos)
      return false;
    for (size_t b = 0; b < 6; ++b) {
      const size_t at = i * 6 + b;
      const uint64_t bit = (bits >> (5 - b)) & 1u;
      if (at < 64)
        parsed.high |= bit << (63 - at);
      else if (at < 128)
        parsed.low |= bit << (127 - at);
      else if (bit != 0)
        return false;
    }
  }
  id = parsed;
  return true;
}

std::string to_string(const topic_partition& tp) {
  return tp.topic + "-" + std::to_string(tp.partition);
}

} // namespace millrace
