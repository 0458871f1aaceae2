#include "schema/utf8.hpp"

#include <algorithm>

namespace millrace {

namespace {

constexpr uint32_t replacement = 0xfffd;
constexpr std::string_view replacement_bytes = "\xef\xbf\xbd";

/// How a character goes on after its first byte: how long it is, and between
/// which two its second byte is. The others are 0x80 to 0xbf.
struct continuation {
  size_t bytes = 0; ///< 0: it begins nothing
  uint8_t least = 0x80;
  uint8_t most = 0xbf;
};

continuation continuation_of(uint8_t lead) {
  if (lead >= 0xc2 && lead <= 0xdf)
    return {2};
  if (lead == 0xe0)
    return {3, 0xa0};
  if (lead >= 0xe1 && lead <= 0xef)
    return {3};
  if (lead == 0xf0)
    return {4, 0x90};
  if (lead >= 0xf1 && lead <= 0xf3)
    return {4};
  if (lead == 0xf4)
    return {4, 0x80, 0x8f};
  return {};
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<uint8_t>(c) < 0x80;
  });
}

/// Where the first byte stands that is no part of well-formed text.
size_t well_formed_bytes(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto [point, bytes] = front_of_utf8(text.substr(at));
    if (point == replacement && text.substr(at, bytes) != replacement_bytes)
      break;
    at += bytes;
  }
  return at;
}

} // namespace

utf8_front front_of_utf8(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<uint8_t>(text[i]);
  };
  const auto lead = byte(0);
  if (lead < 0x80)
    return {lead, 1};
  const auto wanted = continuation_of(lead);
  if (wanted.bytes == 0)
    return {replacement, 1};
  uint32_t point = lead & (0x7fu >> wanted.bytes);
  for (size_t i = 1; i < wanted.bytes; ++i) {
    if (i == text.size())
      return {replacement, i};
    const auto least = i == 1 ? wanted.least : uint8_t{0x80};
    const auto most = i == 1 ? wanted.most : uint8_t{0xbf};
    if (byte(i) < least || byte(i) > most)
      return {replacement, i};
    point = point << 6 | (byte(i) & 0x3fu);
  }
  const bool is_surrogate = point >= 0xd800 && point < 0xe000;
  return {is_surrogate ? replacement : point, wanted.bytes};
}

std::string as_utf8(std::string text) {
  if (is_ascii(text))
    return text;
  auto rest = std::string_view{text};
  auto good = well_formed_bytes(rest);
  if (good == text.size())
    return text;
  std::string out;
  while (!rest.empty()) {
    out += rest.substr(0, good);
    rest.remove_prefix(good);
    if (rest.empty())
      break;
    out += replacement_bytes;
    rest.remove_prefix(front_of_utf8(rest).bytes);
    good = well_formed_bytes(rest);
  }
  return out;
}

} // namespace millrace
