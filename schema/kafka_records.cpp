#include "schema/kafka_records.hpp"

#include <algorithm>

namespace millrace::kafka {

size_t records::size() const {
  auto total = bytes.size();
  for (const auto& slice : slices)
    total += slice.size;
  return total;
}

bool operator==(const records& a, const records& b) {
  auto same = [](const file_slice& x, const file_slice& y) {
    return x.source == y.source && x.position == y.position && x.size == y.size;
  };
  return a.is_null == b.is_null && a.bytes == b.bytes
         && std::equal(a.slices.begin(), a.slices.end(), b.slices.begin(),
           b.slices.end(), same);
}

} // namespace millrace::kafka
