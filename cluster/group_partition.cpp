#include "cluster/group_partition.hpp"

#include "schema/assert.hpp"

namespace millrace {

namespace {

constexpr uint32_t replacement = 0xfffd;

/// The code point at the front of `text` (not empty), and its bytes. What is
/// not well-formed UTF-8 gives U+FFFD for one byte.
std::pair<uint32_t, size_t> front_of(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<uint8_t>(text[i]);
  };
  const uint32_t lead = byte(0);
  if (lead < 0x80)
    return {lead, 1};
  size_t length = 0;
  uint32_t point = 0;
  uint32_t least = 0;
  if (lead >= 0xc2 && lead <= 0xdf)
    length = 2, point = lead & 0x1f, least = 0x80;
  else if ((lead & 0xf0) == 0xe0)
    length = 3, point = lead & 0x0f, least = 0x800;
  else if (lead >= 0xf0 && lead <= 0xf4)
    length = 4, point = lead & 0x07, least = 0x10000;
  if (length == 0 || text.size() < length)
    return {replacement, 1};
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return {replacement, 1};
    point = point << 6 | (byte(i) & 0x3f);
  }
  if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
    return {replacement, 1};
  return {point, length};
}

template <class Visit>
void for_each_utf16_unit(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto [point, length] = front_of(text);
    text.remove_prefix(length);
    if (point < 0x10000) {
      visit(point);
    } else {
      visit(0xd800 + ((point - 0x10000) >> 10));
      visit(0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
}

} // namespace

int32_t java_hash_code(std::string_view utf8) {
  uint32_t hash = 0;
  for_each_utf16_unit(utf8, [&](uint32_t unit) {
    hash = 31 * hash + unit;
  });
  return static_cast<int32_t>(hash);
}

size_t java_length(std::string_view utf8) {
  size_t units = 0;
  for_each_utf16_unit(utf8, [&](uint32_t) {
    ++units;
  });
  return units;
}

int32_t group_partition(std::string_view group_id, int32_t partitions) {
  MILLRACE_ASSERT(partitions > 0, "__consumer_offsets has partitions");
  const int64_t hash = java_hash_code(group_id);
  const int64_t positive = hash == INT32_MIN ? 0 : (hash < 0 ? -hash : hash);
  return static_cast<int32_t>(positive % partitions);
}

} // namespace millrace
