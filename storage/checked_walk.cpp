#include "storage/checked_walk.hpp"

namespace millrace {

result<checked_walk::step> checked_walk::next() {
  auto batch = walker_.next();
  if (!batch && batch.error().code != errc::corrupt)
    return batch.error();
  if (!batch)
    return step::damaged;
  if (!*batch)
    return step::end;
  auto bytes = walker_.whole();
  if (!bytes)
    return bytes.error();
  const batch_view whole{*bytes};
  if (!fits(whole))
    return step::damaged;
  next_ = whole.last_offset() + int64_t{1};
  position_ = walker_.position();
  return step::sound;
}

bool checked_walk::fits(const batch_view& batch) const {
  return batch.crc() == batch.computed_crc()
         && (!next_ || batch.base_offset() == *next_)
         && batch.epoch() == epochs_.epoch_at(batch.base_offset());
}

} // namespace millrace
