#include "cluster/group_partition.hpp"

#include "schema/assert.hpp"
#include "schema/utf8.hpp"

namespace millrace {

namespace {

template <class Visit>
void for_each_utf16_unit(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto [point, bytes] = front_of_utf8(text);
    text.remove_prefix(bytes);
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
