#pragma once

// Bytes as text, for tests of formats.

#include <cstdint>
#include <string>

namespace millrace::test {

inline std::string hex(const std::string& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const auto c : bytes) {
    text.push_back(digits[static_cast<uint8_t>(c) >> 4]);
    text.push_back(digits[static_cast<uint8_t>(c) & 0xf]);
  }
  return text;
}

} // namespace millrace::test
