#include "storage/offset_index.hpp"

#include "storage/record_field.hpp"

namespace millrace {

void offset_entry::store(std::byte* to) const {
  store_field(to, relative_offset);
  store_field(to + 4, position);
}

offset_entry offset_entry::load(const std::byte* from) {
  return {load_field<int32_t>(from), load_field<int32_t>(from + 4)};
}

} // namespace millrace
