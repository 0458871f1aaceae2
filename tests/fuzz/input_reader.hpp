#pragma once

// A fuzzer's input, read from its beginning; past its end there are zeros.

#include <algorithm>
#include <cstdint>
#include <span>

namespace millrace {

class input_reader {
public:
  explicit input_reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  uint8_t byte() {
    if (bytes_.empty())
      return 0;
    const auto value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }

  size_t two_bytes() {
    const size_t high = byte();
    return high << 8 | byte();
  }

  /// The next `size` bytes, or what there is.
  std::span<const uint8_t> take(size_t size) {
    const auto part = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(part.size());
    return part;
  }

  [[nodiscard]] bool empty() const {
    return bytes_.empty();
  }

private:
  std::span<const uint8_t> bytes_;
};

} // namespace millrace
