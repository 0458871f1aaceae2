#include "schema/kafka/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace millrace::kafka {

namespace {

constexpr std::string_view base64
  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view replacement = "\xef\xbf\xbd";

/// The length of the UTF-8 sequence at the front of `x`, 0 if there is none.
/// Ranges of the second byte: Unicode 15, table 3-7.
size_t sequence_length(std::string_view x) {
  auto byte = [&](size_t i) {
    return static_cast<uint8_t>(x[i]);
  };
  const auto first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  if (length > x.size())
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  if (length < 3)
    return length;
  const auto second = byte(1);
  const bool valid
    = !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second > 0x9f)
      && !(first == 0xf0 && second < 0x90) && !(first == 0xf4 && second > 0x8f);
  return valid ? length : 0;
}

void append_escaped(std::string& to, char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  const auto code = static_cast<uint8_t>(c);
  if (c == '"' || c == '\\')
    to.append({'\\', c});
  else if (code < 0x20 || code == 0x7f)
    to.append("\\u00").append({hex[code >> 4], hex[code & 15]});
  else
    to.push_back(c);
}

} // namespace

void json_writer::comma() {
  if (text_.empty())
    return;
  const char last = text_.back();
  if (last != '{' && last != '[' && last != ':')
    text_.push_back(',');
}

void json_writer::begin_object() {
  comma();
  text_.push_back('{');
}

void json_writer::end_object() {
  text_.push_back('}');
}

void json_writer::begin_array() {
  comma();
  text_.push_back('[');
}

void json_writer::end_array() {
  text_.push_back(']');
}

void json_writer::key(const char* name) {
  comma();
  text_.append("\"").append(name).append("\":");
}

void json_writer::null() {
  comma();
  text_.append("null");
}

void json_writer::boolean(bool x) {
  comma();
  text_.append(x ? "true" : "false");
}

void json_writer::number(int64_t x) {
  comma();
  text_.append(std::to_string(x));
}

void json_writer::number(double x) {
  if (!std::isfinite(x)) {
    string(std::isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity");
    return;
  }
  comma();
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), x).ptr;
  text_.append(digits.begin(), end);
}

void json_writer::string(std::string_view x) {
  comma();
  text_.push_back('"');
  while (!x.empty()) {
    const auto length = sequence_length(x);
    if (length == 0)
      text_.append(replacement);
    else if (length == 1)
      append_escaped(text_, x[0]);
    else
      text_.append(x.substr(0, length));
    x.remove_prefix(length == 0 ? 1 : length);
  }
  text_.push_back('"');
}

void json_writer::string_or_null(const std::optional<std::string>& x) {
  if (x)
    string(std::string_view{*x});
  else
    null();
}

void json_writer::bytes(std::string_view x) {
  comma();
  text_.push_back('"');
  for (size_t i = 0; i < x.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group
        = group << 8 | (i + j < x.size() ? static_cast<uint8_t>(x[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j)
      text_.push_back(
        i + j <= x.size() ? base64[group >> (18 - 6 * j) & 63] : '=');
  }
  text_.push_back('"');
}

void json_writer::bytes_or_null(const std::optional<std::string>& x) {
  if (x)
    bytes(std::string_view{*x});
  else
    null();
}

void json_writer::id(const uuid& x) {
  string(std::string_view{to_string(x)});
}

} // namespace millrace::kafka
