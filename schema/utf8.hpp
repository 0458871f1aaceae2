#pragma once

// Text as Kafka takes it: bytes that are no UTF-8 become U+FFFD, in the places
// where Java's decoder puts it. So a name that no client could say is one that
// every client can.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

/// A code point, and how many bytes stood for it.
struct utf8_front {
  uint32_t point = 0;
  size_t bytes = 0;
};

/// The code point at the front of `text`, which is not empty.
///
/// What is not well-formed (a byte that begins nothing, one that is not gone
/// on with, an overlong form, a surrogate, a point above U+10FFFF) gives
/// U+FFFD for as many bytes as could have begun a character; a surrogate's
/// three bytes give it once, as in Java.
[[nodiscard]] utf8_front front_of_utf8(std::string_view text);

/// The text with U+FFFD for what is not well-formed; well-formed text as it
/// is. At most three times as long.
[[nodiscard]] std::string as_utf8(std::string text);

} // namespace millrace
