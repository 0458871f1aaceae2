#include "storage/time_index.hpp"

#include "storage/record_field.hpp"

namespace millrace {

void time_entry::store(std::byte* to) const {
  store_field(to, timestamp);
  store_field(to + 8, relative_offset);
}

time_entry time_entry::load(const std::byte* from) {
  return {load_field<int64_t>(from), load_field<int32_t>(from + 8)};
}

} // namespace millrace
