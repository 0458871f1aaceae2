#include "actors/log.hpp"

namespace millrace::log {

std::string quoted(std::string_view text) {
  constexpr size_t shown_max = 200;
  constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text.substr(0, shown_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += text.size() > shown_max ? "...\"" : "\"";
  return out;
}

} // namespace millrace::log
