#include "cluster/quota_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace {

namespace {

using groups = std::array<uint16_t, 8>; // of an IPv6 address

template <class Int>
bool read_number(std::string_view text, int base, size_t digits_max, Int& out) {
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, out, base);
  return failed == std::errc{} && at == end && text.size() <= digits_max;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const auto end = text.find(at, begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == text.npos)
      return parts;
    begin = end + 1;
  }
}

std::optional<uint32_t> read_four(std::string_view text) {
  const auto parts = split(text, '.');
  if (parts.size() != 4)
    return std::nullopt;
  uint32_t address = 0;
  for (const auto part : parts) {
    uint8_t byte = 0;
    if (!read_number(part, 10, 3, byte) || (part.size() > 1 && part[0] == '0'))
      return std::nullopt;
    address = address << 8 | byte;
  }
  return address;
}

/// The groups of one side of `::`; the last two of the address may be an IPv4
/// address.
bool read_side(
  std::string_view text, bool is_end, std::vector<uint16_t>& side) {
  if (text.empty())
    return true;
  const auto parts = split(text, ':');
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool may_be_four = is_end && i + 1 == parts.size();
    const auto four = may_be_four ? read_four(parts[i]) : std::nullopt;
    uint16_t group = 0;
    if (four) {
      side.push_back(static_cast<uint16_t>(*four >> 16));
      side.push_back(static_cast<uint16_t>(*four));
    } else if (read_number(parts[i], 16, 4, group)) {
      side.push_back(group);
    } else {
      return false;
    }
  }
  return true;
}

std::optional<groups> read_six(std::string_view text) {
  const auto gap = text.find("::");
  std::vector<uint16_t> left;
  std::vector<uint16_t> right;
  if (!read_side(text.substr(0, gap), gap == text.npos, left)
      || (gap != text.npos && !read_side(text.substr(gap + 2), true, right)))
    return std::nullopt;
  const auto given = left.size() + right.size();
  if (gap == text.npos ? given != 8 : given > 7)
    return std::nullopt;
  groups all{};
  std::copy(left.begin(), left.end(), all.begin());
  std::copy_backward(right.begin(), right.end(), all.end());
  return all;
}

std::string four_text(uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8)
    text += std::to_string(address >> shift & 0xff) + (shift == 0 ? "" : ".");
  return text;
}

/// Where the longest run of zeros begins and ends, if there are two at least.
std::pair<size_t, size_t> longest_zeros(const groups& all) {
  std::pair<size_t, size_t> longest{all.size(), all.size()};
  for (size_t begin = 0; begin < all.size(); ++begin) {
    auto end = begin;
    while (end < all.size() && all[end] == 0)
      ++end;
    if (end - begin > std::max<size_t>(longest.second - longest.first, 1))
      longest = {begin, end};
  }
  return longest;
}

/// As RFC 5952 has it.
std::string six_text(const groups& all) {
  const auto [from, to] = longest_zeros(all);
  std::string text;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i == from) {
      text += "::";
      i = to - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':')
      text += ':';
    char digits[4];
    const auto end = std::to_chars(digits, digits + 4, all[i], 16).ptr;
    text.append(digits, end);
  }
  return text;
}

} // namespace

std::optional<std::string> canonical_address(const std::string& text) {
  if (const auto four = read_four(text))
    return four_text(*four);
  const auto six = read_six(text);
  if (!six)
    return std::nullopt;
  static constexpr groups mapped{0, 0, 0, 0, 0, 0xffff};
  if (std::equal(mapped.begin(), mapped.begin() + 6, six->begin()))
    return four_text(uint32_t{(*six)[6]} << 16 | (*six)[7]);
  return six_text(*six);
}

} // namespace millrace
